import type { Env } from '../env.js';
import { stringify } from '../json.js';
import type { RawOptions } from '../options.js';
import type { Refusal, Taken } from './answer.js';
import type { Beacon } from './beacon.js';

/** An answer that does not come within this time is none. */
const TIMEOUT_MS = 30_000;

/** What became of a beacon: taken, refused for good, or neither, to be tried again. */
export type Answer = readonly [
  taken?: Taken | undefined,
  refusal?: Refusal | undefined,
  status?: number,
  /** How long to wait, 0 when nothing was said. */
  retryAfterMs?: number,
];

/** All client errors but a timeout and a rate limit. */
const REFUSED = /^4(?!08|29)/;
/** A relay's own words: a CDN, a captive portal or a proxy refuses in others, and is not the one to say so. */
const WORDS = /^((not|bad|missing|too|token|method|headers)_\w+|empty|origin|erased|scope)$/;

/** Sends a beacon and reads the answer; goes on when the page does not. Never rejects. */
export const post = async (env: Env, options: RawOptions, beacon: Beacon): Promise<Answer> => {
  try {
    const fetch = (options.fetch ?? env.fetch) as Env['fetch'];
    // A string travels as text/plain, which needs no preflight.
    const response = await fetch(options.endpoint, {
      method: 'POST',
      body: stringify(beacon),
      credentials: 'include',
      keepalive: true,
      signal: AbortSignal.timeout?.(TIMEOUT_MS) as AbortSignal,
    });
    const { status } = response;
    let body: (Taken & Refusal) | undefined;
    try {
      body = await response.json();
    } catch {}
    return [
      // Neither an error's body nor the 200 of a captive portal has this.
      (body?.accepted as number) >= 0 ? body : undefined,
      REFUSED.test(status as never) && body?.detail && WORDS.test(body.error) ? { ...body, status } : undefined,
      status,
      +(response.headers.get('retry-after') as string) * 1000 || 0,
    ];
  } catch {
    return [];
  }
};

/**
 * Sends a beacon while the page goes away: at once, without an answer. Nothing true when the browser would not take it.
 * Filter lists block every cross-site `sendBeacon`, so there it is `fetch`.
 */
export const postAtHide = (env: Env, options: RawOptions, beacon: Beacon): unknown => {
  // The last two labels are near enough to the site, without a list of public suffixes.
  return options.endpoint.includes((env.location as Location).hostname.split('.').slice(-2).join('.'))
    ? (env.navigator as Navigator).sendBeacon(options.endpoint, stringify(beacon))
    : post(env, options, beacon);
};
