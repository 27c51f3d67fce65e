// In a file, so that no page needs an inline script: who is signed in, and that somebody has just signed out.
window.relay = window.relay || function () { (relay.q = relay.q || []).push([Date.now(), arguments]) };
{
  const { identity, signedOut } = document.currentScript.dataset;
  if (signedOut) {
    relay('user', null);
  }
  if (identity) {
    relay('user', identity);
  }
}
