import type { Env } from './env.js';
import type { IdentityResult } from './user.js';
/** One event the relay refused, its neighbours taken. */
export interface Rejection {
    index: number;
    eventId: string;
    reason: string;
}
/** Body of a 202 (contract §3). */
export interface Taken {
    accepted: number;
    rejected: Rejection[];
    identity: IdentityResult;
}
/** What became of a beacon. */
export interface Answer {
    /** 0 when nothing that a relay would say came back. */
    _status: number;
    _retryAfterMs: number;
    /** Present when the relay has taken the beacon, and only then. */
    _taken?: Taken | undefined;
}
/** One request: with an answer while the page lives, and a good chance when it does not. */
export interface Transport {
    /** Bytes in flight that are to survive the page. */
    _inFlight(): number;
    /** Never rejects. */
    _post(body: string): Promise<Answer>;
    /** Sends while the page goes away: synchronously, without an answer. False when the browser would not take it. */
    _postAtHide(body: string): boolean;
}
/**
 * Bodies are strings: they travel as text/plain, which needs no preflight.
 *
 * @param isSameSite Filter lists block every cross-site `sendBeacon`; `fetch` has to do there.
 */
export declare const createTransport: (env: Env, url: string, isSameSite: () => boolean) => Transport;
