import type { Beacon } from './beacon.js';
import type { Env } from './env.js';
import type { RawOptions } from './options.js';
import type { IdentityResult } from './user.js';
/** One event the relay refused, its neighbours taken. */
export interface Rejection {
    index: number;
    eventId: string;
    reason: string;
}
/** Body of a 202. */
export interface Taken {
    accepted: number;
    rejected: Rejection[];
    identity: IdentityResult;
}
/**
 * What became of a beacon: whether it is refused for good; how long to wait, 0 when nothing was said; the body, present
 * when the relay has taken the beacon, and only then.
 */
export type Answer = readonly [isRefused: boolean, retryAfterMs: number, taken?: Taken | undefined];
/** Sends a beacon and reads the answer; goes on when the page does not. Never rejects. */
export declare const post: (env: Env, options: RawOptions, beacon: Beacon) => Promise<Answer>;
/**
 * Sends a beacon while the page goes away: at once, without an answer. Nothing true when the browser would not take it.
 * Filter lists block every cross-site `sendBeacon`, so there it is `fetch`.
 */
export declare const postAtHide: (env: Env, options: RawOptions, beacon: Beacon) => unknown;
