import type { Env } from './env.js';
import { guard } from './guard.js';

/** What happens to a page as a whole. */
export interface PageMoments {
  /** It is being hidden, perhaps for good: the last moment to send anything, synchronously. */
  _hide(): void;
  _show(): void;
  /** It came back out of the back/forward cache, as if opened anew. */
  _restore(): void;
  _online(): void;
}

/** Calls `begin` once the page is really shown: a prerendered page may never be. */
export const whenActivated = (env: Env, begin: () => void): void => {
  const document = env._document as (Document & { prerendering?: boolean }) | undefined;
  if (document?.prerendering) {
    document.addEventListener('prerenderingchange', begin, { once: true });
  } else {
    begin();
  }
};

/** Watches a page; returns the undo. Never `unload` or `beforeunload`: they spoil the back/forward cache. */
export const watchLifecycle = (env: Env, moments: PageMoments): (() => void) => {
  const { _document: document, _window: window } = env;
  const stop = new AbortController();
  const on = (target: EventTarget | undefined, type: string, handle: (event: Event) => void) =>
    target?.addEventListener(type, (event) => guard(() => handle(event)), {
      capture: true,
      signal: stop.signal,
    });

  on(document, 'visibilitychange', () => (document?.hidden ? moments._hide() : moments._show()));
  // Where a page goes without being hidden first.
  on(window, 'pagehide', () => moments._hide());
  on(window, 'pageshow', (event) => {
    if ((event as PageTransitionEvent).persisted) {
      moments._restore();
      moments._show();
    }
  });
  on(window, 'online', () => moments._online());
  return () => stop.abort();
};
