import type { Env } from '../env.js';
/** Whose token it is, as far as a page can tell: only a relay can say whether it is true. */
export type Claims = readonly [
    /** A number for the user, the same for all tokens of theirs that say so. Never 0 or `SOMEBODY`; `UNREAD` where they do not. */
    who: number,
    /** The one session it is for, if it names one. */
    sessionId?: string
];
/** Logged in, but nobody can say as whom. */
export declare const SOMEBODY = 1;
/** Of tokens that do not say whose they are: compressed ones, or JWTs whose users are in another claim. */
export declare const UNREAD = 2;
/** A number for a text. */
export declare const numberOf: (text: string) => number;
/**
 * Reads a relay's identity token (`payload.time.signature`), or a site's JWT (`header.payload.signature`). Users whom
 * theirs do not name are taken for one until a relay tells them apart; their tokens never stand in for each other.
 */
export declare const readToken: (env: Env, token: string) => Claims;
