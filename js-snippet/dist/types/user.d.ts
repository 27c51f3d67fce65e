import type { Env } from './env.js';
import type { Store } from './storage.js';
/** A token that was said, and whether a relay has still to judge it: until then it is owed a beacon, be it an empty one. */
type Said = readonly [token: string, isOwed?: 1 | undefined];
/**
 * Identity tokens, each kept with the sessions it was given in: events that still wait after a logout go out as
 * the user they belong to, and nobody else's do.
 */
export interface User {
    /** A token said in this session; one that is known already changes nothing. */
    _say(sessionId: string, token: string): void;
    /**
     * The token for what happened in this session while the page went by the token with this number, and whether it has to
     * be judged alone, before any event goes along; without what is `sent` already.
     */
    _token(sessionId: string, number: number | undefined, sent: readonly unknown[]): readonly [token?: string | undefined, isAlone?: unknown];
    /** A session, and the number of a token in it, of whose user a relay has judged none; without those `sent` already. */
    _owed(sent: readonly unknown[]): readonly [sessionId: string, event: undefined, number: number] | undefined;
    /** A token said in this session, by this user if one is named, and not refused. */
    _has(sessionId: string, who?: number): Said | undefined;
    /** A relay has answered. True when the token was none. */
    _answered(sessionId: string, token: string, result: string): boolean;
    /** What one session knows of this user, or of any, is known to the other, too: the user, or 0. */
    _carry(before: string, after: string, who: number): number;
    /** Forgets what this page has said. */
    _forget(): void;
    /** Forgets all other sessions. */
    _keep(sessionIds: readonly string[]): void;
}
export declare const createUser: (env: Env, store: Store) => User;
export {};
