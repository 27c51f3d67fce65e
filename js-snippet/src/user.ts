import type { Session } from './session.js';
import type { Store } from './storage.js';

const NAME = 'user.';
/** Before a token the relay has not answered yet: it is still owed a beacon, be it an empty one. */
const OWED = '!';

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

export const createUser = (store: Store, session: Session): User => {
  const stored = (sessionId: string) => store._get(NAME + sessionId) ?? '';
  const bare = (value: string) => value.replace(OWED, '');

  return {
    _login(token) {
      const sessionId = session._id();
      if (stored(sessionId) !== token) {
        store._set(NAME + sessionId, OWED + token);
      }
    },
    _token: (sessionId) => bare(stored(sessionId)) || undefined,
    _owed: () => store._names(NAME).filter((sessionId) => stored(sessionId).startsWith(OWED)),
    _carryOver(from, to) {
      const token = bare(stored(from));
      if (token) {
        store._set(NAME + to, OWED + token);
      }
    },
    _answered(sessionId, token, result) {
      // A newer token may have come while this beacon was under way; it is still owed.
      if (token && bare(stored(sessionId)) === token) {
        if (/expired|invalid|mismatch/.test(result)) {
          store._remove(NAME + sessionId);
        } else {
          store._set(NAME + sessionId, token);
        }
      }
    },
    _tidy(isNeeded) {
      for (const sessionId of store._names(NAME)) {
        if (!isNeeded(sessionId)) {
          store._remove(NAME + sessionId);
        }
      }
    },
  };
};
