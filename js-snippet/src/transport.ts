import { byteLength, MAX_BYTES } from './beacon.js';
import type { Env } from './env.js';
import { guard } from './guard.js';
import type { IdentityResult } from './user.js';

/** An answer that does not come within this time is none. */
const TIMEOUT_MS = 30_000;

/** One event the relay refused, its neighbours taken. */
export interface Rejection {
  index: number;
  eventId: string;
  reason: string;
}

/** Body of a 202 (contract §3). */
export interface Taken {
  accepted: number;
  rejected: Rejection[];
  identity: IdentityResult;
}

/** What became of a beacon. */
export interface Answer {
  /** 0 when nothing that a relay would say came back. */
  _status: number;
  _retryAfterMs: number;
  /** Present when the relay has taken the beacon, and only then. */
  _taken?: Taken | undefined;
}

/** One request: with an answer while the page lives, and a good chance when it does not. */
export interface Transport {
  /** Bytes in flight that are to survive the page. */
  _inFlight(): number;
  /** Never rejects. */
  _post(body: string): Promise<Answer>;
  /** Sends while the page goes away: synchronously, without an answer. False when the browser would not take it. */
  _postAtHide(body: string): boolean;
}

/**
 * Bodies are strings: they travel as text/plain, which needs no preflight.
 *
 * @param isSameSite Filter lists block every cross-site `sendBeacon`; `fetch` has to do there.
 */
export const createTransport = (env: Env, url: string, isSameSite: () => boolean): Transport => {
  let inFlight = 0;

  const read = async (response: Response): Promise<Answer> => {
    const taken = response.ok ? ((await response.json()) as Taken) : undefined;
    return {
      // A 200 of a captive portal is no answer of a relay.
      _status: taken && !(taken.accepted >= 0) ? 0 : response.status,
      _retryAfterMs: Number(response.headers.get('retry-after')) * 1000 || 0,
      _taken: taken,
    };
  };

  const post = async (body: string): Promise<Answer> => {
    const bytes = byteLength(body);
    inFlight += bytes;
    const abort = new AbortController();
    let cancel: (() => void) | undefined;
    try {
      // A site's own `fetch` may throw, return nonsense, ignore the signal, or never settle.
      return await Promise.race([
        env
          ._fetch(url, {
            method: 'POST',
            body,
            credentials: 'include',
            keepalive: inFlight <= MAX_BYTES,
            signal: abort.signal,
          })
          .then(read),
        new Promise<never>((_, reject) => {
          cancel = env._later(() => {
            abort.abort();
            reject();
          }, TIMEOUT_MS);
        }),
      ]);
    } catch {
      return { _status: 0, _retryAfterMs: 0 };
    } finally {
      cancel?.();
      inFlight -= bytes;
    }
  };

  return {
    _inFlight: () => inFlight,
    _post: post,
    _postAtHide: (body) => {
      const isTaken = isSameSite() ? guard(() => env._sendBeacon(url, body)) : undefined;
      // Cross-site, or a browser without it.
      return isTaken ?? !!post(body);
    },
  };
};
