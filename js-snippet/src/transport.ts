import type { Beacon } from './beacon.js';
import type { Env } from './env.js';
import type { RawOptions } from './options.js';
import type { IdentityResult } from './user.js';

/** An answer that does not come within this time is none. */
const TIMEOUT_MS = 30_000;

/** One event the relay refused, its neighbours taken. */
export interface Rejection {
  index: number;
  eventId: string;
  reason: string;
}

/** Body of a 202. */
export interface Taken {
  accepted: number;
  rejected: Rejection[];
  identity: IdentityResult;
}

/**
 * What became of a beacon: whether it is refused for good; how long to wait, 0 when nothing was said; the body, present
 * when the relay has taken the beacon, and only then.
 */
export type Answer = readonly [isRefused: boolean, retryAfterMs: number, taken?: Taken | undefined];

/** All client errors but a timeout and a rate limit. */
const REFUSED = /^4(?!08|29)/;

/** Sends a beacon and reads the answer; goes on when the page does not. Never rejects. */
export const post = async (env: Env, options: RawOptions, beacon: Beacon): Promise<Answer> => {
  try {
    const { endpoint, fetch = env.fetch } = options;
    // A string travels as text/plain, which needs no preflight.
    const response = await (fetch as Env['fetch'])(endpoint, {
      method: 'POST',
      body: JSON.stringify(beacon),
      credentials: 'include',
      keepalive: true,
      signal: AbortSignal.timeout?.(TIMEOUT_MS) as AbortSignal,
    });
    let taken: Taken | undefined;
    try {
      taken = await response.json();
    } catch {} // An answer counts without its body: one that refuses, refuses.
    return [
      REFUSED.test(response.status as never),
      +(response.headers.get('retry-after') as string) * 1000 || 0,
      // Neither an error's body nor the 200 of a captive portal has this.
      (taken?.accepted as number) >= 0 ? taken : undefined,
    ];
  } catch {
    return [false, 0];
  }
};

/**
 * Sends a beacon while the page goes away: at once, without an answer. Nothing true when the browser would not take it.
 * Filter lists block every cross-site `sendBeacon`, so there it is `fetch`.
 */
export const postAtHide = (env: Env, options: RawOptions, beacon: Beacon): unknown => {
  // The last two labels are near enough to the site, without a list of public suffixes.
  return options.endpoint.includes((env.location as Location).hostname.split('.').slice(-2).join('.'))
    ? (env.navigator as Navigator).sendBeacon(options.endpoint, JSON.stringify(beacon))
    : post(env, options, beacon);
};
