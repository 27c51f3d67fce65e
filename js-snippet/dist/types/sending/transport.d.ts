import type { Env } from '../env.js';
import type { RawOptions } from '../options.js';
import type { Refusal, Taken } from './answer.js';
import type { Beacon } from './beacon.js';
/** What became of a beacon: taken, refused for good, or neither, to be tried again. */
export type Answer = readonly [
    taken?: Taken | undefined,
    refusal?: Refusal | undefined,
    status?: number,
    /** How long to wait, 0 when nothing was said. */
    retryAfterMs?: number
];
/** Sends a beacon and reads the answer; goes on when the page does not. Never rejects. */
export declare const post: (env: Env, options: RawOptions, beacon: Beacon) => Promise<Answer>;
/**
 * Sends a beacon while the page goes away: at once, without an answer. Nothing true when the browser would not take it.
 * Filter lists block every cross-site `sendBeacon`, so there it is `fetch`.
 */
export declare const postAtHide: (env: Env, options: RawOptions, beacon: Beacon) => unknown;
