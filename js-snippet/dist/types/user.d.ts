import type { Session } from './session.js';
import type { Store } from './storage.js';
/** What a relay says about the identity token of a beacon (contract §3). */
export type IdentityResult = 'none' | 'ok' | 'expired' | 'invalid' | 'mismatch' | 'conflict';
/**
 * Identity tokens, each kept with the session it was given in: events that still wait after a logout go out as
 * the user they belong to, and nobody else's do.
 */
export interface User {
    _login(token: string): void;
    /** The token to send with beacons of this session. */
    _token(sessionId: string): string | undefined;
    /** Sessions whose token the relay does not know yet. */
    _owed(): string[];
    /** The same person in a new session: it begins with the old one's token. */
    _carryOver(from: string, to: string): void;
    /** The relay has answered a beacon of this session. */
    _answered(sessionId: string, token: string | undefined, result: IdentityResult): void;
    /** Forgets tokens of ended sessions that have no event waiting. */
    _tidy(isNeeded: (sessionId: string) => boolean): void;
}
export declare const createUser: (store: Store, session: Session) => User;
