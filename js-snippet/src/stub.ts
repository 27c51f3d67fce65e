/** The inline line that queues calls until the snippet is there; only pages that call `relay` themselves need it. */
declare const relay: { q?: unknown[] };
(window as { relay?: unknown }).relay =
  window.relay ||
  function () {
    // biome-ignore lint/suspicious/noAssignInExpressions: it has to be one line
    // biome-ignore lint/complexity/noArguments: the shortest way to keep them all
    (relay.q = relay.q || []).push([Date.now(), arguments]);
  };
