// The page's side of Personalize Relay: who is signed in, and what was bought. Everything else is in the HTML.

// The stub: calls made before the snippet is there wait in a queue.
window.relay = window.relay || function () { (relay.q = relay.q || []).push([Date.now(), arguments]) };

const { identity, bound, signedOut } = document.body.dataset;

if (signedOut !== undefined) {
  relay('user', null); // A new session begins; the next visitor is somebody else.
}

if (identity) {
  relay('user', identity);
  // The token is good for one session. When the session is another (first page, thirty idle minutes), get a new one.
  const rebind = async (session) => {
    if (session !== bound) {
      const answer = await fetch('/identity', { credentials: 'same-origin' });
      if (answer.ok) {
        relay('user', (await answer.json()).identity);
      }
    }
  };
  relay('session', rebind);
  relay('on', 'session', rebind);
}

const purchase = document.querySelector('[data-purchase]');
for (const { dataset } of purchase?.children ?? []) {
  relay('event', 'Purchase', {
    itemId: dataset.item,
    eventValue: Number(dataset.value),
    properties: { order: purchase.dataset.order, quantity: Number(dataset.quantity) },
  });
}
