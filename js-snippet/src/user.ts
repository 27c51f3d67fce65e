import type { Store } from './storage.js';

const NAME = 'user.';

/** As it is stored. While no relay has answered the token it is owed a beacon, be it an empty one. */
type Login = readonly [token?: string, isOwed?: boolean];

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

export const createUser = (store: Store): User => {
  const login = (sessionId: string): Login => store._get(NAME + sessionId) ?? [];

  return {
    _set(sessionId, fresh) {
      if (fresh && login(sessionId)[0] !== fresh) {
        store._set(NAME + sessionId, [fresh, true]);
      }
    },
    _token: (sessionId) => login(sessionId)[0],
    _owed: () => store._names(NAME).filter((sessionId) => login(sessionId)[1]),
    _answered(sessionId, sent, result) {
      // Another token may have come while this beacon was under way: that one is still owed.
      if (sent && login(sessionId)[0] === sent) {
        if (/ex|inv|mis/.test(result as string)) {
          store._remove(NAME + sessionId);
        } else {
          store._set(NAME + sessionId, [sent]);
        }
      }
    },
    _keep(sessionIds) {
      for (const sessionId of store._names(NAME)) {
        if (!sessionIds.includes(sessionId)) {
          store._remove(NAME + sessionId);
        }
      }
    },
  };
};
