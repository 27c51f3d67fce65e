import type { Env } from '../env.js';
/** Whose token it is, as far as a page can tell: only a relay can say whether it is true. */
export type Claims = readonly [
    /** A number for the user, the same for all tokens of theirs that say so. Never 0 or `SOMEBODY`. */
    who: number,
    /** The one session it is for, if it names one. */
    sessionId?: string
];
/** Logged in, but nobody can say as whom. */
export declare const SOMEBODY = 1;
/** A number for a text. */
export declare const numberOf: (text: string) => number;
/**
 * Reads a relay's identity token (`payload.time.signature`), or a site's JWT (`header.payload.signature`). One that does
 * not say whose it is, a JWT whose users are in another claim for example, is a user of its own: only a relay can tell.
 */
export declare const readToken: (env: Env, token: string) => Claims;
