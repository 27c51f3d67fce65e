import type { Env } from './env.js';
import type { Store } from './storage.js';
import { numberOf, readToken } from './token.js';

const NAME = 'users';
/** Tokens of a session that no relay has judged yet. */
const MAX_TOKENS = 20;

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
  _token(
    sessionId: string,
    number: number | undefined,
    sent: readonly unknown[],
  ): readonly [token?: string | undefined, isAlone?: unknown];
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

export const createUser = (env: Env, store: Store): User => {
  /** What this page has said: a site may clear its storage, and another page begin anew, before it is written again. */
  let mine: { [sessionId: string]: Said[] } = {};
  const all = (): typeof mine => ({ ...mine, ...store._get(NAME) });
  const said = (sessionId: string): Said[] => {
    // 0.1.0 stored one token a session, by a name of its own.
    const found = all()[sessionId] ?? [store._get(`user.${sessionId}`)];
    return Array.isArray(found) ? found.filter((one) => one?.[0]?.split) : [];
  };
  const put = (sessionId: string, tokens: Said[]) => {
    mine[sessionId] = tokens;
    store._set(NAME, { ...all(), [sessionId]: tokens });
  };
  const whose = ([token]: Said) => readToken(env, token)[0];

  const token: User['_token'] = (sessionId, number, sent) => {
    const tokens = said(sessionId);
    const mine = tokens.find(([one]) => numberOf(one) === number);
    const proven = tokens.find((one) => !one[1] && (!mine || whose(one) === whose(mine)));
    if (proven) {
      return proven;
    }
    // What happened before the login goes along with it; where a token was none, the one before counts.
    const next = (mine ?? tokens[tokens.length - 1])?.[0];
    // A token that may be none is not to take events along where another may be true, or it is for another session.
    const isAlone = next && (tokens[1] || (readToken(env, next)[1] ?? sessionId) !== sessionId);
    return isAlone && sent.includes(next) ? [] : [next, isAlone];
  };

  return {
    _say(sessionId, fresh) {
      const tokens = said(sessionId);
      if (!tokens.some(([one]) => one === fresh)) {
        put(sessionId, [...tokens.slice(1 - MAX_TOKENS), [fresh, 1]]);
      }
    },
    _token: token,
    _owed(sent) {
      for (const sessionId of Object.keys(all())) {
        for (const one of said(sessionId)) {
          const number = numberOf(one[0]);
          const [next] = token(sessionId, number, sent);
          if (one[0] === next && one[1] && !sent.includes(next)) {
            return [sessionId, undefined, number];
          }
        }
      }
      return undefined;
    },
    _has: (sessionId, who) => said(sessionId).find((one) => !who || whose(one) === who),
    _answered(sessionId, sent, result) {
      const isRefused = /ex|inv|mis/.test(result);
      const tokens = said(sessionId);
      const at = tokens.findIndex(([one]) => one === sent);
      if (at >= 0) {
        // Older ones are of no use any more; one that came meanwhile may be, later.
        put(sessionId, isRefused ? tokens.filter((_, i) => i !== at) : [[sent], ...tokens.slice(at + 1)]);
      }
      return isRefused;
    },
    _carry(before, after, who) {
      const tokens = said(before).filter((one) => !who || whose(one) === who);
      if (tokens[0] && !said(after)[0]) {
        put(
          after,
          tokens.map(([one]) => [one, 1]),
        );
        return whose(tokens[0]);
      }
      return 0;
    },
    _forget() {
      mine = {};
    },
    _keep(sessionIds) {
      store._set(NAME, Object.fromEntries(sessionIds.map((id) => [id, said(id)])));
    },
  };
};
