import type { Store } from './storage.js';
/** What a relay says about the identity token of a beacon. */
export type IdentityResult = 'none' | 'ok' | 'expired' | 'invalid' | 'mismatch' | 'conflict';
/**
 * Identity tokens, each kept with the session it was given in: events that still wait after a logout go out as
 * the user they belong to, and nobody else's do.
 */
export interface User {
    /** The user of this session; a token the relay knows already changes nothing. */
    _set(sessionId: string, token: string | undefined): void;
    /** The token to send with beacons of this session. */
    _token(sessionId: string): string | undefined;
    /** Sessions whose token the relay does not know yet. */
    _owed(): string[];
    /** The relay has answered a beacon of this session that carried this token. */
    _answered(sessionId: string, token: string | undefined, result: IdentityResult | undefined): void;
    /** Forgets the tokens of all other sessions. */
    _keep(sessionIds: readonly string[]): void;
}
export declare const createUser: (store: Store) => User;
