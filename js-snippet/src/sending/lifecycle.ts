import type { Bus } from '../bus.js';
import type { Env } from '../env.js';

/** Tells what happens to the page as a whole. Never `unload` or `beforeunload`: they spoil the back/forward cache. */
export const watchLifecycle = (env: Env, bus: Bus): void => {
  // It happens to the document, and the window hears of it first.
  bus._listen('visibilitychange', () => bus._emit((env.document as Document).hidden ? 'hide' : 'show'));
  bus._listen('online', () => bus._emit('online'));
  // Where a page goes without being hidden first.
  bus._listen('pagehide', () => bus._emit('hide'));
  bus._listen('pageshow', ({ persisted }: PageTransitionEvent) => persisted && bus._emit('back'));
};
