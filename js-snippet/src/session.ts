import type { Env } from './env.js';
import { guard } from './guard.js';
import type { Store } from './storage.js';

const COOKIE = 'relay_session';
const NAME = 'session';
/** Seconds. Long past the idle time, so that a page knows which session came before; identity tokens live a day too. */
const COOKIE_MAX_AGE_S = 86_400;

export type Renewal = 'idle' | 'ended';

export interface Session {
  /** The id now, made anew where there is none or the last activity is too long ago. Counts as activity. */
  _id(): string;
  /** The id some page of this site made, if it is still good. No activity, nothing is written. */
  _peek(): string | undefined;
  /** Ends this session; the next one begins at once. */
  _renew(why: Renewal): string;
  /** Forgets the session here and in the browser. */
  _forget(): void;
  /** The domain the cookie could be set on, once it was: the registrable domain of the site. */
  _domain(): string | undefined;
}

type Stamp = readonly [id: string, seenAt: number];

/**
 * One session a visitor, whatever tab or page of the site asks. It lives in a cookie on the registrable domain and in
 * localStorage, as `<id>.<last activity, ms, base 36>`; the later of both counts, so that a logout in one tab
 * or on one subdomain is seen by the others at their next event.
 *
 * @param idleMs Time without activity after which the next activity begins a new session.
 * @param onChange Called with the new id and the one before, when there was one, whenever the id changes.
 */
export const createSession = (
  env: Env,
  store: Store,
  idleMs: number,
  onChange: (id: string, before: string, why: Renewal | undefined) => void,
): Session => {
  let current: Stamp = ['', 0];
  let savedAt = 0;
  let domain: string | undefined;

  const readCookie = () =>
    guard(() => env._readCookies().match(`(?:^|; )${COOKIE}=([^;]*)`)?.[1]);

  const parse = (value: string | null | undefined): Stamp => {
    const [, id = '', seenAt = ''] = /^([\w~-]{16,256})\.(\w+)$/.exec(value ?? '') ?? [];
    return [id, Number.parseInt(seenAt, 36) || 0];
  };

  const latest = (): Stamp =>
    [parse(store._get(NAME)), parse(readCookie())].reduce(
      (best, other) => (other[0] && other[1] >= best[1] ? other : best),
      current,
    );

  // Both ways: a clock set back by a year must not keep a session for a year.
  const isFresh = ([id, seenAt]: Stamp) => id && Math.abs(env._now() - seenAt) <= idleMs;

  const writeCookie = (value: string, maxAge: number) => {
    // From the top-level domain down: browsers refuse the cookie until it is one that a site can own.
    const labels = env._hostname.split('.');
    const candidates = domain === undefined ? labels.map((_, i) => labels.slice(~i).join('.')) : [domain];
    for (const candidate of [...candidates, '']) {
      env._writeCookie(
        `${COOKIE}=${value};path=/;max-age=${maxAge};samesite=lax` +
          (candidate && `;domain=${candidate}`) +
          (env._isHttps ? ';secure' : ''),
      );
      if (readCookie() === value) {
        domain = candidate;
        break;
      }
    }
  };

  const save = () => {
    savedAt = current[1];
    const value = `${current[0]}.${savedAt.toString(36)}`;
    store._set(NAME, value);
    guard(() => writeCookie(value, COOKIE_MAX_AGE_S));
  };

  const become = (id: string, why?: Renewal) => {
    const before = current[0];
    current = [id, env._now()];
    save();
    onChange(id, before, why);
    return id;
  };

  const renew = (why: Renewal) => {
    current = latest();
    return become(env._randomId(), why);
  };

  return {
    _id() {
      const found = latest();
      if (!isFresh(found)) {
        return renew('idle');
      }
      if (found[0] !== current[0]) {
        return become(found[0]);
      }
      current = [found[0], env._now()];
      // Not on every event: a stamp late by a sixtieth of the idle time is exact enough for the other pages.
      if (current[1] - savedAt > idleMs / 60) {
        save();
      }
      return found[0];
    },
    _peek() {
      const found = latest();
      return isFresh(found) ? found[0] : undefined;
    },
    _renew: renew,
    _forget() {
      store._remove(NAME);
      guard(() => writeCookie('', 0));
      current = ['', 0];
    },
    _domain: () => domain,
  };
};
