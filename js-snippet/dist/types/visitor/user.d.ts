import type { Env } from '../env.js';
import type { Store } from './storage.js';
/**
 * A token that was said, empty once a relay has refused it: events that happened under it are those of the user before.
 * What is known of it, the number by which events name it, and that of the one its page was told before.
 */
type Said = readonly [token: string, state: number | undefined, number: number, before?: number | undefined];
/**
 * Identity tokens, each kept with the sessions it was given in: events that still wait after a logout go out as
 * the user they belong to, and nobody else's do.
 */
export interface User {
    /**
     * A token said in this session, and its number; one that is known changes nothing. `before` is the number of the one
     * that its page was told before, or its own where the page still goes by it, refused or not.
     */
    _say(sessionId: string, token: string, before?: number): number;
    /**
     * The token for what happened in this session while the page went by the token with this number, and whether it has to
     * be judged alone, before any event goes along; without what is `sent` already. Nothing where no page has stored the
     * token, or another has written over it: the page that was told it is about to put it back.
     */
    _token(sessionId: string, number: number | undefined, sent: readonly unknown[]): readonly [token?: string | undefined, isAlone?: unknown] | undefined;
    /** A session, and the number of a token in it, of whose user a relay has judged none; without those `sent` already. */
    _owed(sent: readonly unknown[]): readonly [sessionId: string, event: undefined, number: number] | undefined;
    /** The token with this number, or the one its page was told before, of those that were not refused. */
    _told(sessionId: string, number: number): Said | undefined;
    /** The token said last in this session, of those that were not refused. */
    _last(sessionId: string): Said | undefined;
    /** A relay has answered. True when the token was none. */
    _answered(sessionId: string, token: string, result: string): boolean;
    /**
     * What one session knows of this user, or of any, is known to the other, too; of a page whose own token is true, that
     * one only. The user, or 0.
     */
    _carry(before: string, after: string, who: number, own?: string): number;
    /** Forgets what this page has said. */
    _forget(): void;
    /** Forgets all other sessions. */
    _keep(sessionIds: readonly string[]): void;
}
export declare const createUser: (env: Env, store: Store) => User;
export {};
