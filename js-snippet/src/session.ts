import type { Bus } from './bus.js';
import { type Env, randomId } from './env.js';
import { guard } from './guard.js';
import { PREFIX, type Store } from './storage.js';

const NAME = 'session';
/** Long past the idle time, so that a page knows which session came before; identity tokens live a day too. */
const COOKIE_MAX_AGE_S = 86_400;

export interface Session {
  /** The id now, made anew where there is none or the last activity is too long ago. Counts as activity. */
  _id(): string;
  /** Ends this session; the next begins at once. */
  _renew(): string;
  /** Forgets the session here and in the cookie. */
  _forget(): void;
}

type Stamp = readonly [id: string, seenAt: number];

/**
 * One session a visitor, whatever tab or page of the site asks. It lives in a cookie on the registrable domain and in
 * localStorage, as `<id>.<last activity in ms>`. The later of both counts, so a logout in one tab or on
 * one subdomain is seen by the others at their next event.
 *
 * @param idleMs Time without activity after which the next activity begins a new session.
 * @param onIdle Called with the ids of the session that ran out and of the one that takes its place.
 */
export const createSession = (
  env: Env,
  store: Store,
  bus: Bus,
  idleMs: number,
  onIdle: (before: string, after: string) => void,
): Session => {
  let current: Stamp = ['', 0];
  /** When the stamp was last written, by whatever page. */
  let savedAt = 0;
  /** Of the cookie, from the last two labels up: browsers refuse it until a site can own it. Last, none: this host. */
  let domains: string[] | undefined;

  const readCookie = () => guard(() => (env.document as Document).cookie.match(`${PREFIX}${NAME}=([^;]*)`)?.[1]) ?? '';

  const writeCookie = (value: string, maxAge: number) =>
    guard(() => {
      domains ??= (env.location as Location).hostname
        .split('.')
        .map((_, i, labels) => labels.slice(-2 - i).join('.'))
        .concat('');
      const works = (domain: string) => {
        (env.document as Document).cookie =
          `${PREFIX}${NAME}=${value};path=/;max-age=${maxAge};samesite=lax;domain=${domain}`;
        return readCookie() === value;
      };
      // The one that works is the first to be tried next time.
      domains = domains.slice(domains.findIndex(works));
    });

  const latest = (): Stamp => {
    let best: Stamp = ['', 0];
    for (const value of [store._get(NAME), readCookie()]) {
      const [, id, seenAt] = /^(\w{16,256})\.(\d+)$/.exec(value) ?? [];
      const ms = +(seenAt as string);
      if (id && ms >= best[1]) {
        best = [id, ms];
        savedAt = ms;
      }
    }
    // What is stored is what all pages agree on; what this page knows beside it is when its visitor was active.
    return best[1] > current[1] || (best[0] && best[0] !== current[0]) ? best : current;
  };

  const touch = (id: string) => {
    const isNew = id !== current[0];
    const now = env.Date.now();
    current = [id, now];
    // Not on every event, cookies are slow: for other pages a stamp late by a sixtieth of the idle time is exact enough.
    if (now - savedAt > idleMs / 60) {
      savedAt = now;
      const value = `${id}.${now}`;
      store._set(NAME, value);
      writeCookie(value, COOKIE_MAX_AGE_S);
    }
    if (isNew) {
      bus._emit('session', id);
    }
    return id;
  };

  const renew = () => {
    savedAt = 0;
    return touch(randomId(env));
  };

  return {
    _id() {
      const [id, seenAt] = latest();
      // Both ways: a clock that was years ahead must not keep a session for years.
      if (id && Math.abs(env.Date.now() - seenAt) <= idleMs) {
        return touch(id);
      }
      const fresh = renew();
      onIdle(id, fresh);
      return fresh;
    },
    _renew: renew,
    _forget() {
      writeCookie('', 0);
      current = ['', 0];
    },
  };
};
