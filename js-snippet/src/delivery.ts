import { byteLength, encodeBeacon, MAX_BYTES, takeBeaconful } from './beacon.js';
import type { Env } from './env.js';
import { guard } from './guard.js';
import type { Entry, Outbox } from './outbox.js';
import type { Store } from './storage.js';
import type { Answer, Rejection, Taken, Transport } from './transport.js';
import type { IdentityResult, User } from './user.js';

const LOCK = 'relay';
const RETRY = 'retry';
const SEQ = 'seq';
/** Kept free in a body for what stands before the events: tokens, session id, losses. */
const HEAD_BYTES = 4096;
/** Events found at the start of a page were mostly sent at hide by the page before, the answer unheard. */
const LEFTOVER_MS = 1000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 300_000;
/** The longest `Retry-After` that is believed. */
const MAX_PATIENCE_MS = 3_600_000;

/** What a flush came to, over all its beacons. */
export interface FlushResult {
  accepted: number;
  rejected: Rejection[];
  /** Events that still wait. */
  pending: number;
}

export interface DeliverySettings {
  _token: string;
  /** Most time an event waits for company. */
  _flushMs: number;
  /** Events that do not wait any longer. */
  _flushSize: number;
}

/** What the rest of the tracker hears of a delivery. */
export interface DeliveryEvents {
  _onSent(events: number, answer: Taken): void;
  _onRejected(rejection: Rejection): void;
  _onIdentity(sessionId: string, result: IdentityResult, token: string | undefined): void;
}

/**
 * When the outbox is sent, and what an answer does to it.
 *
 * An event leaves the outbox when a relay has answered for it, not when a request was made. A beacon sent at hide has
 * no answer: its events stay, and the next page sends them once more. They carry the same event ids, so the relay
 * leaves them out.
 */
export interface Delivery {
  /** Something may wait: send it on size or on time. */
  _schedule(): void;
  /** Sends all that waits, unless the relay or the network asks for patience. Never rejects. */
  _flush(): Promise<FlushResult>;
  /** The page is being hidden: sends now, synchronously. */
  _hide(): void;
  /** The page is shown again. */
  _show(): void;
}

/** One beacon's worth: events of one session, or none for a login the relay has not heard of. */
interface Parcel {
  _sessionId: string;
  _entries: Entry[];
  _identity: string | undefined;
  _lost: ReturnType<Outbox['_lost']>;
  _body: string;
}

export const createDelivery = (
  env: Env,
  store: Store,
  settings: DeliverySettings,
  outbox: Outbox,
  user: User,
  transport: Transport,
  events: DeliveryEvents,
): Delivery => {
  /** Event ids and owed sessions in a request that has no answer yet, or had its last. */
  const flying = new Set<string>();
  let sentAtHide: string[] = [];
  let failures = 0;
  /** The network's patience ends with the page; what a relay asks for is stored, for all tabs. */
  let notBefore = 0;
  let cancelTimer: (() => void) | undefined;
  let running: Promise<FlushResult> | undefined;
  let isWanted = false;
  let releaseLock: (() => void) | undefined;

  const askedToWaitMs = () => {
    const ms = Number(store._get(RETRY)) - env._now();
    return ms < MAX_PATIENCE_MS ? ms : 0;
  };
  const waitMs = () => Math.max(askedToWaitMs(), notBefore - env._now());
  const waiting = (onlyMine?: boolean) =>
    outbox._entries(onlyMine).filter(({ _eventId }) => !flying.has(_eventId));

  const wakeIn = (ms: number) => {
    cancelTimer ??= env._later(() => flush(), ms);
  };

  const ids = ({ _sessionId, _entries }: Parcel) =>
    _entries.length ? _entries.map(({ _eventId }) => _eventId) : [_sessionId];

  /** The next beacon out of these events, or for a login nobody sent; nothing when all is done. */
  const nextParcel = (candidates: Entry[], maxBytes: number): Parcel | undefined => {
    const entries = takeBeaconful(candidates, maxBytes - HEAD_BYTES);
    const sessionId =
      entries[0]?._sessionId ?? user._owed().find((owed) => !flying.has(owed));
    if (!sessionId) {
      return undefined;
    }
    const seq = `${Number(store._get(SEQ)) + 1}`;
    store._set(SEQ, seq);
    const parcel = {
      _sessionId: sessionId,
      _entries: entries,
      _identity: user._token(sessionId),
      _lost: outbox._lost(),
    };
    const head = {
      v: 1 as const,
      token: settings._token,
      sessionId,
      identity: parcel._identity,
      sentAt: env._now(),
      seq: +seq,
      lost: parcel._lost,
    };
    return { ...parcel, _body: encodeBeacon(head, entries.map(({ _json }) => _json)) };
  };

  /** Applies an answer; false when it asks to try again later. */
  const settle = (parcel: Parcel, { _status, _retryAfterMs, _taken }: Answer, result: FlushResult) => {
    const { _sessionId, _entries, _identity } = parcel;
    if (_taken && _status) {
      outbox._remove(_entries);
      outbox._told(parcel._lost);
      // A duplicate was taken before: at hide, or by a try whose answer got lost.
      const rejected = _taken.rejected.filter(({ reason }) => reason !== 'duplicate');
      result.accepted += _taken.accepted;
      result.rejected.push(...rejected);
      events._onSent(_entries.length, _taken);
      rejected.forEach(events._onRejected);
      user._answered(_sessionId, _identity, _taken.identity);
      events._onIdentity(_sessionId, _taken.identity, _identity);
    } else if (_status >= 400 && _status < 500 && _status !== 408 && _status !== 429) {
      outbox._lose('refused', _entries);
      user._answered(_sessionId, _identity, 'none');
    } else {
      for (const id of ids(parcel)) {
        flying.delete(id);
      }
      const backoff = Math.min(FIRST_RETRY_MS * 2 ** failures++, LAST_RETRY_MS);
      notBefore = env._now() + Math.max(backoff * (0.5 + env._random()), _retryAfterMs);
      if (_retryAfterMs) {
        store._set(RETRY, `${notBefore}`);
      }
      return false;
    }
    failures = 0;
    return true;
  };

  const drain = async (): Promise<FlushResult> => {
    const result: FlushResult = { accepted: 0, rejected: [], pending: 0 };
    do {
      isWanted = false;
      // What happens while a request is under way waits for its own turn.
      const last = waiting().pop()?._eventId ?? '';
      while (waitMs() <= 0 && env._isOnline()) {
        const candidates = waiting().filter(({ _eventId }) => _eventId <= last);
        const parcel = nextParcel(candidates, MAX_BYTES);
        if (!parcel) {
          break;
        }
        for (const id of ids(parcel)) {
          flying.add(id);
        }
        if (!settle(parcel, await transport._post(parcel._body), result)) {
          break;
        }
      }
    } while (isWanted);
    const left = outbox._entries();
    result.pending = left.length;
    user._tidy((sessionId) => left.some(({ _sessionId }) => _sessionId === sessionId));
    return result;
  };

  /** One tab at a time, where the browser has locks: what this one sends, no other does. */
  const inTurn = async (work: () => Promise<FlushResult>): Promise<FlushResult> => {
    let done: Promise<FlushResult> | undefined;
    await guard(() => env._locks())
      ?.request(LOCK, () => {
        done = work();
        // Let go at hide: in Firefox a held lock keeps the page out of the back/forward cache.
        return Promise.race([done, new Promise<void>((release) => (releaseLock = release))]);
      })
      .catch(() => {}); // An opaque origin has locks that only refuse.
    return done ?? work();
  };

  const flush = (): Promise<FlushResult> => {
    cancelTimer?.();
    cancelTimer = undefined;
    isWanted = true;
    running ??= inTurn(drain).finally(() => {
      running = undefined;
      if (waiting().length) {
        wakeIn(Math.max(waitMs(), settings._flushMs));
      }
    });
    return running;
  };

  const schedule = () => {
    if (waiting(true).length >= settings._flushSize && waitMs() <= 0) {
      flush();
    } else {
      wakeIn(settings._flushMs);
    }
  };

  if (outbox._entries().length || user._owed().length) {
    wakeIn(LEFTOVER_MS);
  }

  return {
    _schedule: schedule,
    _flush: flush,
    _hide() {
      releaseLock?.();
      let room = MAX_BYTES - transport._inFlight();
      // A guess at the end: other scripts of the page may have taken part of the browser's budget.
      while (room > HEAD_BYTES && askedToWaitMs() <= 0 && env._isOnline()) {
        const parcel = nextParcel(waiting(true), room);
        if (!parcel) {
          break;
        }
        if (transport._postAtHide(parcel._body)) {
          room -= byteLength(parcel._body);
          for (const id of ids(parcel)) {
            flying.add(id);
            sentAtHide.push(id);
          }
        } else {
          room /= 2;
        }
      }
    },
    _show() {
      for (const id of sentAtHide) {
        flying.delete(id);
      }
      sentAtHide = [];
      if (waiting(true).length) {
        wakeIn(settings._flushMs);
      }
    },
  };
};
