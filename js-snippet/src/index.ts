import { platformEnv } from './env.js';
import type { Options } from './options.js';
import { createCore, type Tracker } from './tracker.js';

export type { FlushResult } from './delivery.js';
export type { EventFields } from './event.js';
export type { LostReason } from './outbox.js';
export type { Listener, Topics } from './tracker.js';
export type { Rejection } from './transport.js';
export type { IdentityResult } from './user.js';
export { watchPage } from './page.js';
export type { Options, Tracker };

/**
 * A tracker. In a browser it keeps session and unsent events like the script tag does; elsewhere (server, edge) give it
 * a `sessionId`, and `flush` before the request ends.
 */
export const createTracker = (options: Options): Tracker => {
  const env = platformEnv();
  const { fetch } = options;
  return createCore(options, fetch ? { ...env, _fetch: (url, init) => fetch(url, init) } : env);
};
