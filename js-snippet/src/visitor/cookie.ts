import type { Env } from '../env.js';
import { guard } from '../guard.js';
import { PREFIX } from './storage.js';

/** Long past the idle time, so that a page knows which session came before; identity tokens live a day too. */
const MAX_AGE_S = 86_400;

/** Cookies on the registrable domain: what the subdomains of a site share. Never throws. */
export interface Cookies {
  /** Empty where there is none. */
  _get(name: string): string;
  /** Nothing, or an empty value: removes it. */
  _set(name: string, value?: string): void;
}

export const createCookies = (env: Env): Cookies => {
  const get = (name: string) =>
    guard(() => (env.document as Document).cookie.split(`${PREFIX}${name}=`)[1]?.split(';')[0]) ?? '';

  return {
    _get: get,
    _set(name, value = '') {
      guard(() =>
        (env.location as Location).hostname
          .split('.')
          // From the last two labels up: browsers refuse it until a site can own it. Last, none: this host.
          .map((_, i, labels) => labels.slice(-2 - i).join('.'))
          .concat('')
          .some((domain) => {
            (env.document as Document).cookie =
              `${PREFIX}${name}=${value};path=/;max-age=${value ? MAX_AGE_S : 0};samesite=lax;domain=${domain}`;
            return get(name) === value;
          }),
      );
    },
  };
};
