import type { Bus } from './bus.js';
import type { Env } from './env.js';

/** Tells what happens to the page as a whole. Never `unload` or `beforeunload`: they spoil the back/forward cache. */
export const watchLifecycle = (env: Env, bus: Bus): void => {
  const on = env.addEventListener as Window['addEventListener'];
  // The first two happen to the document, and bubble.
  on('visibilitychange', () => bus._emit((env.document as Document).hidden ? 'hide' : 'show'));
  on('prerenderingchange', () => bus._emit('activate'));
  // Where a page goes without being hidden first.
  on('pagehide', () => bus._emit('hide'));
  // Out of the back/forward cache it is as if opened anew.
  on('pageshow', ({ persisted }) => persisted && bus._emit('start'));
  on('online', () => bus._emit('online'));
};
