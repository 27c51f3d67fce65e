// An event from a server or an edge function, where there is no page: the caller keeps the session id.
// Driven by tests/browser/snippet/test_npm_package.py.
import { createTracker } from 'personalize-relay';

/** Tells of a purchase; resolves once a relay has answered. */
export async function purchased({ endpoint, token, sessionId, identity, itemId, price }) {
  const tracker = createTracker({ endpoint, token, sessionId });
  if (identity) {
    tracker.user(identity);
  }
  tracker.event('Purchase', { itemId, eventValue: price });
  return new Promise((done) => tracker.flush(done));
}

if (process.argv[2]) {
  console.log(JSON.stringify(await purchased(JSON.parse(process.argv[2]))));
}
