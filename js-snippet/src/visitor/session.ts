import type { Bus } from '../bus.js';
import { type Env, randomId } from '../env.js';
import type { Cookies } from './cookie.js';
import type { Store } from './storage.js';
import { numberOf, readToken, SOMEBODY, UNREAD } from './token.js';
import type { User } from './user.js';

const NAME = 'session';
/** `<id>.<last activity in ms>.<owner>.<ended>`. */
const STAMP = /^(\w{16,256}(?:~\d+)?)\.(\d+)\.?(\d*)\.?([\w~!]*)$/;
/** Room for the ids of the last two sessions that were logged out of. */
const ENDED_CHARS = 100;

/** A session, the user it is, 0 for nobody, and the number of the token by which the page says so, if it was told one. */
export type Place = readonly [id: string, who: number, number?: number];

export interface Session {
  /** Where this page is now, made anew where nothing is or the last activity is too long ago. Counts as activity. */
  _now(): Place;
  /** The page was told a token. */
  _logIn(token: string): void;
  /** Ends the session of this page, for all pages; the next begins at once. */
  _logOut(): void;
  /** The session is another user's than this token's. */
  _conflict(id: string, token: string): void;
  /** The token is true. */
  _proven(token: string): void;
  /** The token is none: the one before counts; if the session has no other, the page was told nothing. */
  _refused(id: string, token: string): void;
  /** Forgets the session here and in the cookie. */
  _forget(): void;
}

type Stamp = readonly [id: string, usedAt: number, owner: number, ended: string];

/** A second user's session is the first one's with a number: all pages that were told that user find the same. */
const baseOf = (id: string) => id.split('~')[0] as string;

const isEnded = (ended: string, id: string) => ended.includes(`!${id}!`);

/**
 * Which session a page is in. The session used last lives in a cookie on the registrable domain and in localStorage; the
 * later of both counts. Whoever logs in first owns it; a page that was told another user is in a session made of it and
 * of the user. A page that was told a user keeps to that user's session; the others share the one used last. Which
 * sessions were logged out of is written there too, so a logout in one tab or on one subdomain is seen by the others at
 * their next event.
 *
 * @param idleMs Time without activity after which the next activity begins a new session.
 */
export const createSession = (
  env: Env,
  store: Store,
  cookies: Cookies,
  bus: Bus,
  user: User,
  idleMs: number,
): Session => {
  const none: Stamp = ['', 0, 0, ''];
  let current = none;
  /** What was written last, by whatever page, and the session this origin was in. */
  let saved = none;
  let stored: string | undefined;
  /** The session this page keeps to, the user it was told, when it was active, the number of the first token that said so. */
  let own: [id: string, who: number, token: string, usedAt: number, number: number] | undefined;
  /** Whether its session has to wait for a relay. */
  let isTried: unknown;

  // Both ways: a clock that was years ahead must not keep a session for years.
  const isLive = (usedAt: number) => Math.abs(env.Date.now() - usedAt) <= idleMs;
  const whoIn = (id: string, owner: number) => +(id.split('~')[1] ?? owner);
  const idOf = (base: string, owner: number, who: number) => (owner && owner !== who ? `${base}~${who}` : base);

  const read = (): Stamp => {
    saved = none;
    for (const value of [cookies._get(NAME), store._get(NAME)]) {
      const [, id, ms, owner, ended] = STAMP.exec(value) ?? [];
      stored = id;
      if (id && +(ms as string) > saved[1]) {
        saved = [id, +(ms as string), +(owner as string), ended as string];
      }
    }
    // What is stored is what all pages agree on; what this page knows beside it is when its visitor was active.
    const [id, usedAt, owner, ended] = saved;
    return id ? [id, id === current[0] ? Math.max(usedAt, current[1]) : usedAt, owner, ended] : current;
  };

  const use = (id: string, owner: number, ended: string): Place => {
    const usedAt = env.Date.now();
    const isNew = id !== current[0];
    current = [id, usedAt, owner, ended];
    // Not on every event, cookies are slow: for other pages a stamp late by a sixtieth of the idle time is exact enough.
    if (id !== saved[0] || id !== stored || owner !== saved[2] || usedAt - saved[1] > idleMs / 60) {
      saved = current;
      const value = current.join('.');
      store._set(NAME, value);
      cookies._set(NAME, value);
    }
    if (isNew) {
      bus._emit('session', id);
    }
    return [id, whoIn(id, owner)];
  };

  const now = (): Place => {
    let [id, usedAt, owner, ended] = read();
    let base = baseOf(id);
    if (!id || !isLive(usedAt)) {
      id = base = randomId(env);
      owner = 0;
    }
    if (own && isEnded(ended, own[0])) {
      own = undefined;
    }
    if (!own) {
      // The same person, back from a break or from another subdomain.
      if (stored && stored !== id && !isEnded(ended, stored)) {
        owner ||= user._carry(stored, id, whoIn(id, owner));
      }
      return use(id, owner, ended);
    }
    const [before, who, token, , number] = own;
    const isOther = baseOf(before) !== base;
    const asked = idOf(base, owner, who);
    const last = user._last(asked);
    // By its name it is this user's; but where a token was none, the user before is in it.
    const isTaken = isEnded(ended, asked) || (last && last[2] !== number && readToken(env, last[0])[0] !== who);
    id = isTaken || (isTried && owner) ? `${base}~${number}` : asked;
    // Others may have begun a session meanwhile; and a token that names its session can be used in no other.
    if (isLive(own[3]) && (isOther || isTried || isTaken || (id !== before && readToken(env, token)[1] === before))) {
      id = before;
      if (isOther) {
        owner = before === baseOf(before) ? who : SOMEBODY;
      }
    } else {
      owner ||= who;
    }
    // Each time: a site may have cleared its storage, and another page have put back what it knew. `_last` has looked.
    if (id !== before || id !== asked) {
      user._carry(before, id, 0, token);
    }
    own = [id, who, token, env.Date.now(), number];
    use(id, owner, ended);
    return [id, who, number];
  };

  const logIn = (token: string) => {
    const [who, sid] = readToken(env, token);
    const [before, whoBefore] = now();
    const [, , owner, ended] = current;
    let id = before;
    isTried = whoBefore && (whoBefore !== who || (own && isTried));
    // In the session that a token names, the relay keeps both users apart.
    if (isTried && sid !== before && (who !== UNREAD || whoBefore !== who)) {
      // What a token brings that may be none is not for that user's own session: until a relay has judged, one of the token.
      id = idOf(baseOf(before), owner, who);
      if (user._last(id) || isEnded(ended, id)) {
        id = `${baseOf(before)}~${numberOf(token)}`;
      }
      user._carry(before, id, 0, own?.[2]);
    }
    own = [id, who, token, env.Date.now(), user._say(id, token, own?.[4])];
    use(id, owner || who, ended);
  };

  return {
    _now: now,
    _logIn: logIn,
    _logOut() {
      own = undefined;
      use(randomId(env), 0, `${current[3]}!${current[0]}!`.slice(-ENDED_CHARS));
    },
    _conflict(id, token) {
      // Made of the user's own number, it is nobody else's; and it may be another page that was told the token.
      if (id === now()[0] && id === baseOf(id) && own?.[2] === token && readToken(env, token)[1] !== id) {
        use(id, SOMEBODY, current[3]);
        logIn(token);
      }
    },
    _proven(token) {
      if (own?.[2] === token) {
        isTried = 0;
      }
    },
    _refused(id, token) {
      if (own?.[2] === token) {
        const other = user._told(id, own[4]);
        own = other && [own[0], readToken(env, other[0])[0], other[0], own[3], user._say(own[0], other[0], other[2])];
      }
      if (!user._last(id) && current[2] === readToken(env, token)[0]) {
        use(current[0], 0, current[3]);
      }
    },
    _forget() {
      cookies._set(NAME);
      current = none;
      own = undefined;
    },
  };
};
