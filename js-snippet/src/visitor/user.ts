import type { Env } from '../env.js';
import type { Store } from './storage.js';
import { numberOf, readToken, UNREAD } from './token.js';

const NAME = 'users';
/** Tokens of a session that no relay has judged yet. */
const MAX_TOKENS = 20;

/** A relay has judged it true. */
const TRUE = 0;
/** It is owed a beacon, be it an empty one. */
const OWED = 1;
/** Said in a session before this one: it counts where all that were said after it are none. */
const CARRIED = 2;

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
  _token(
    sessionId: string,
    number: number | undefined,
    sent: readonly unknown[],
  ): readonly [token?: string | undefined, isAlone?: unknown] | undefined;
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

export const createUser = (env: Env, store: Store): User => {
  /** What this page has said: a site may clear its storage, and another page begin anew, before it is written again. */
  let mine: { [sessionId: string]: Said[] } = {};
  const all = (): typeof mine => ({ ...mine, ...store._get(NAME) });
  const whose = ([token]: Said) => readToken(env, token)[0];
  const stored = (sessionId: string): Said[] => {
    // 0.1.0 stored one token a session, by a name of its own, and 0.2.0 no numbers.
    const found = store._get(NAME)?.[sessionId] ?? [store._get(`user.${sessionId}`)];
    return Array.isArray(found)
      ? found
          .filter((one) => one?.[0]?.split)
          .map(([one, state, number = numberOf(one), before]) => [one, state, number, before])
      : [];
  };
  const unknown = (tokens: Said[], known: Said[]) =>
    tokens.filter((one) => !known.some((other) => other[2] === one[2]));
  const put = (sessionId: string, tokens: Said[]) => {
    mine[sessionId] = tokens;
    store._set(NAME, { ...all(), [sessionId]: tokens });
  };
  /** What is missing of what this page has said is put back: the next page is to know it too. */
  const said = (sessionId: string): Said[] => {
    const found = stored(sessionId);
    const missing = unknown(mine[sessionId] ?? [], found);
    const tokens = [...found, ...missing];
    if (missing[0]) {
      put(sessionId, tokens);
    }
    return tokens;
  };
  const isLive = (one: Said) => one[0];
  /** What a page was told, newest first: where one is none the one before counts. */
  const chain = (tokens: readonly Said[], number: number | undefined): Said[] => {
    const one = tokens.find((other) => other[2] === number);
    return one
      ? [
          one,
          ...chain(
            tokens.filter((other) => other !== one),
            one[3],
          ),
        ]
      : [];
  };
  const token: User['_token'] = (sessionId, number, sent) => {
    const tokens = said(sessionId);
    if (number && !tokens.some((one) => one[2] === number)) {
      return undefined;
    }
    // What happened before the first goes along with it.
    const live = [...new Set([...chain(tokens, number), ...tokens])].filter(isLive);
    const [next, second] = live;
    if (!next) {
      return [];
    }
    // Another of the same user will do, if nobody was told in between.
    const isOthers = (one: Said) => whose(one) !== whose(next) || (whose(one) === UNREAD && one !== next);
    const other = live.find((one) => !one[1] || isOthers(one));
    if (other && !other[1] && !isOthers(other)) {
      return [other[0]];
    }
    // A token that may be none is not to take events along where another may be true, or it is for another session.
    const isAlone = second || (readToken(env, next[0])[1] ?? sessionId) !== sessionId;
    return isAlone && sent.includes(next[0]) ? [] : [next[0], isAlone];
  };

  return {
    _say(sessionId, fresh, before) {
      const tokens = said(sessionId);
      const number = numberOf(fresh);
      const isIt = (one: Said) => one[2] === number;
      const isKnown = tokens.some((one) => isIt(one) && (isLive(one) || number === before));
      const others = tokens.filter((one) => !isIt(one)).slice(1 - MAX_TOKENS);
      put(sessionId, isKnown ? tokens : [...others, [fresh, OWED, number, before]]);
      return number;
    },
    _token: token,
    _owed(sent) {
      for (const sessionId in all()) {
        const owed = (state: number) => said(sessionId).filter((one) => one[1] === state);
        const carried = owed(TRUE)[0] ? [] : owed(CARRIED).reverse();
        for (const [one, , number] of [...owed(OWED), ...carried]) {
          if (one === token(sessionId, number, sent)?.[0] && !sent.includes(one)) {
            return [sessionId, undefined, number];
          }
        }
      }
      return undefined;
    },
    _told: (sessionId, number) => chain(said(sessionId), number).find(isLive),
    _last: (sessionId) => said(sessionId).filter(isLive).pop(),
    _answered(sessionId, sent, result) {
      const isRefused = /ex|inv|mis/.test(result);
      const tokens = said(sessionId);
      const at = tokens.findIndex((one) => isLive(one) && one[0] === sent);
      if (at >= 0) {
        const [, , ...names] = tokens[at] as Said;
        const fresh: Said = isRefused ? ['', OWED, ...names] : [sent, TRUE, ...names];
        put(sessionId, [...tokens.slice(0, at), fresh, ...tokens.slice(at + 1)]);
      }
      return isRefused;
    },
    _carry(before, after, who, own) {
      const known = said(after);
      const given = said(before);
      const sure = given.filter((one) => one[0] === own && !one[1]);
      const tokens = unknown(sure[0] ? sure : given, known).filter((one) => !who || whose(one) === who);
      put(after, [...known, ...tokens.map(([one, , ...names]): Said => [one, CARRIED, ...names])]);
      const first = tokens.find(isLive);
      return first ? whose(first) : 0;
    },
    _forget() {
      mine = {};
    },
    _keep(sessionIds) {
      store._set(NAME, Object.fromEntries(sessionIds.map((id) => [id, said(id)])));
    },
  };
};
