// The page's side of Personalize Relay: which session it is, who is signed in, what was bought. The rest is in the HTML.

// The stub: calls made before the snippet is there wait in a queue.
window.relay = window.relay || function () { (relay.q = relay.q || []).push([Date.now(), arguments]) };

const known = document.body.dataset;

if (known.signedOut !== undefined) {
  relay('user', null); // A new session begins; the next visitor may be somebody else.
}

// The shop's backend asks for recommendations by session, and signs identity tokens for one session only. So it is told
// which session this is; when it knows already, the token in the page is the right one.
const tell = async (session) => {
  let { identity } = known;
  if (session !== known.session) {
    known.session = session;
    const answer = await fetch('/session', { method: 'POST', body: new URLSearchParams({ id: session }) });
    identity = known.identity = (await answer.json()).identity ?? '';
  }
  if (identity) {
    relay('user', identity);
  }
};
relay('on', 'session', tell);
relay('session', tell);

const purchase = document.querySelector('[data-purchase]');
for (const { dataset } of purchase?.children ?? []) {
  relay('event', 'Purchase', {
    itemId: dataset.item,
    eventValue: Number(dataset.value),
    properties: { order: purchase.dataset.order, quantity: Number(dataset.quantity) },
  });
}
