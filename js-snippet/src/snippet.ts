import { platform } from './env.js';
import { guard } from './guard.js';
import { type Call, createCore } from './tracker.js';
import { watchPage } from './watching/page.js';

/** The page's one function, real or stub: what is called is pushed on `q`. */
interface Queue {
  (...args: unknown[]): void;
  q?: { push(call: Call): void; forEach?: Call[]['forEach'] };
}

/** The value of `data-debug` with which a second file shows on the page what happens. */
const OVERLAY = 'overlay';

/** Script-tag entry: reads the tag, takes over the queue, and watches the page. */
guard(() => {
  const page = platform as unknown as { relay: Queue | undefined };
  const tag = (platform.document as Document).currentScript as HTMLScriptElement | null;
  const { token, endpoint, debug: said } = tag?.dataset ?? {};
  const url = endpoint ?? (tag?.src && new URL('e', tag.src).href);
  const problem =
    !token || !url
      ? 'not started: needs src and data-token, not type=module'
      : platform.origin === 'null' && 'no Origin';
  if (problem) {
    guard(() => platform.console.warn(`[relay] ${problem}; see README`));
  }
  if (!token || !url) {
    return;
  }

  const queued = page.relay?.q ?? [];
  if (!queued.forEach) {
    return; // The tag is in the page twice.
  }
  // A tag that says `query` leaves it to the address of the page.
  const debug =
    said !== 'query' ? said : /[?&]relay-debug/.test((platform.location as Location).search) ? OVERLAY : undefined;
  const core = createCore(platform, {
    ...(tag as HTMLScriptElement).dataset,
    token,
    endpoint: url,
    debug,
  });
  watchPage(core);
  queued.forEach(core._call);
  // `relay` may be anything: a name of the page's own, an element with that id. Only nothing is replaced.
  page.relay ??= (...args) => guard(() => core._call([platform.Date.now(), args]));
  page.relay.q = { push: core._call };
  if (debug === OVERLAY) {
    // Shows on the page what is seen and sent; only those who ask load it. It has the nonce of this script.
    core._bus._enter(() => import(new URL('inspect.js', tag?.src || url) as unknown as string))();
  }
});
