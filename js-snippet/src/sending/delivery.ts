import type { Bus } from '../bus.js';
import type { Env } from '../env.js';
import type { Entry, RelayEvent } from '../event.js';
import { guard } from '../guard.js';
import { byteLength } from '../json.js';
import type { RawOptions } from '../options.js';
import type { Store } from '../visitor/storage.js';
import type { User } from '../visitor/user.js';
import type { Dropped, Loss, Rejection } from './answer.js';
import { type Beacon, MAX_BYTES, takeBeaconful } from './beacon.js';
import type { Outbox } from './outbox.js';
import { type Answer, post, postAtHide } from './transport.js';

const RETRY = 'retry';
const SEQ = 'seq';
/** Less room at hide than this is not worth a beacon. */
const MIN_BYTES = 500;
/** Of one flush: the outbox holds fewer, unless a site's storage keeps what is removed. */
const MAX_BEACONS = 20;
/** Events found at the start of a page were mostly sent at hide by the page before, the answer unheard. */
const LEFTOVER_MS = 1000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 300_000;
/** The longest `Retry-After` that is believed. */
const MAX_PATIENCE_MS = 3_600_000;

/** What a flush came to, over all its beacons. */
export interface FlushResult {
  accepted: number;
  /** Events the relay refused one by one. */
  rejected: Rejection[];
  /** Fields it left out of events that it took. */
  dropped: Dropped[];
  /** Events that were given up, and why. */
  lost: Loss[];
  /** Events that still wait. */
  pending: number;
}

/**
 * When the outbox is sent, and what an answer does to it.
 *
 * An event leaves the outbox when a relay has answered for it, not when a request was made. A beacon sent at hide has
 * no answer: its events stay, and are sent once more by the next page, or by this one if it lives on. They carry the
 * same event ids, so the relay leaves them out.
 */
export interface Delivery {
  /** Collecting begins: what is found waiting is sent, too. */
  _start(): void;
  /** Something may wait: send it on size or on time. */
  _schedule(): void;
  /** Sends all that waits, unless the relay or the network asks for patience. Never rejects. */
  _flush(): Promise<FlushResult>;
}

/** @param onAnswer Called with each beacon a relay has answered for, before anything else is sent. */
export const createDelivery = (
  env: Env,
  store: Store,
  bus: Bus,
  options: RawOptions,
  outbox: Outbox,
  user: User,
  onAnswer: (sessionId: string, identity: string, result: string) => void,
): Delivery => {
  // With 0, and with what is no number, a page that is offline would look for the network without a pause.
  const flushMs = +(options.flushMs as number) || 5000;
  /** Ids of events, and identity tokens, that left since the page was hidden. */
  let sentAtHide: unknown[] = [];
  /** Bytes on their way while the page lives: they take their part of the browser's budget. */
  let inFlight = 0;
  let failures = 0;
  /** The network's patience ends with the page; what a relay asks for is stored, for all tabs. */
  let notBefore = 0;
  /** Of one beacon: less where a proxy on the way takes less. */
  let maxBytes = MAX_BYTES;
  let timer: number | undefined;
  let running: Promise<FlushResult> | undefined;
  /** Of the flush that is running. */
  let result: FlushResult;

  const askedToWaitMs = () => {
    const ms = store._get(RETRY) - env.Date.now();
    return ms < MAX_PATIENCE_MS ? ms : 0; // Where nothing is stored it is no number.
  };
  /** Whose token no page has told of for so long: all that knew it are gone. */
  const isOld = (event: RelayEvent) => env.Date.now() - (event.sentAt ?? 0) > MAX_PATIENCE_MS;
  const waitMs = () => Math.max(askedToWaitMs(), notBefore - env.Date.now());

  /** Sends what waits, if anything does, after this time or when nobody asks for patience any more. */
  const wakeIn = (ms: number) => {
    // What waits is only looked for where no timer runs: it is read from storage.
    timer ??= outbox._entries()[0] || user._owed([]) ? bus._later(flush, Math.max(waitMs(), ms)) : undefined;
  };

  /** The next beacon, of events or for a login, without what is `sent` already; nothing when all is done. */
  const nextBeacon = (bytes: number, sent: unknown[] = []): Beacon | undefined => {
    const waiting = outbox._entries().filter((entry) => !sent.includes(entry[1].eventId));
    let told: ReturnType<User['_token']>;
    const isTold = ([id, event, number]: Entry) => {
      told = user._token(id, isOld(event) ? 0 : number, sent);
      return told;
    };
    waiting.splice(0, waiting.findIndex(isTold) >>> 0); // None: all of them.
    const [sessionId, event, number] = waiting[0] ?? user._owed(sent) ?? [];
    if (sessionId) {
      const [identity, isAlone] = told ?? user._token(sessionId, number, sent) ?? [];
      const beacon: Beacon = {
        v: 1,
        token: options.token,
        sessionId,
        identity,
        sentAt: env.Date.now(),
        seq: (store._get(SEQ) ?? 0) + 1,
        lost: outbox._lost(),
        eventList: [],
      };
      if (!isAlone) {
        beacon.eventList = takeBeaconful(waiting, bytes - byteLength(beacon));
      }
      if (isAlone || beacon.eventList[0] || !event) {
        store._set(SEQ, beacon.seq);
        return beacon;
      }
    }
    return undefined;
  };

  /** Applies an answer; where it is none, the next try has to wait. */
  const settle = (beacon: Beacon, [taken, refusal, status, retryAfterMs = 0]: Answer) => {
    const { eventList } = beacon;
    if (taken || refusal) {
      failures = 0;
      onAnswer(beacon.sessionId, beacon.identity ?? '', taken?.identity ?? '');
    } else {
      const backoffMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++);
      notBefore = env.Date.now() + Math.max(retryAfterMs, backoffMs * (0.5 + env.Math.random()));
      if (retryAfterMs) {
        store._set(RETRY, notBefore);
      }
      if (status === 413 && maxBytes > MIN_BYTES) {
        maxBytes /= 2;
      }
    }
    if (taken) {
      outbox._remove(eventList);
      outbox._told(beacon.lost);
      result.accepted += taken.accepted;
      bus._emit('sent', { ...taken, events: eventList.length, eventList });
      taken.rejected.forEach((rejection) => {
        // A duplicate was taken before: at hide, or by a try whose answer got lost.
        if (rejection.reason !== 'duplicate') {
          result.rejected.push(rejection);
          bus._emit('rejected', rejection);
          bus._say(`event refused: ${rejection.reason} ${rejection.field ?? ''}`);
        }
      });
      taken.dropped?.forEach((dropped) => {
        result.dropped.push(dropped);
        bus._say(`field left out: ${dropped.field} ${dropped.reason}`);
      });
    } else if (refusal) {
      bus._say(`refused: ${status} ${refusal.error}, ${refusal.detail}`);
      outbox._lose('refused', eventList, refusal);
    }
  };

  const drain = bus._enter(async () => {
    for (let i = 0; i < MAX_BEACONS && waitMs() <= 0 && env.navigator.onLine !== false; i++) {
      const beacon = nextBeacon(maxBytes);
      inFlight = byteLength(beacon);
      if (!beacon) {
        break;
      }
      settle(beacon, await post(env, options, beacon));
    }
  });

  /** One tab at a time, where the browser has locks: what this one sends, no other does. */
  const takeTurn = async (): Promise<FlushResult> => {
    result = { accepted: 0, rejected: [], dropped: [], lost: [], pending: 0 };
    let done: Promise<unknown> | undefined;
    const drainOnce = () => (done ??= drain());
    // Held for the requests only: in Firefox a held lock keeps the page out of the back/forward cache.
    await bus._enter(() => env.navigator.locks?.request('relay', drainOnce))();
    await drainOnce(); // Plain http has no locks; an opaque origin has some that only refuse.
    inFlight = 0;
    guard(() => {
      wakeIn(flushMs);
      result.pending = outbox._entries().length;
    });
    // Only now: a page may have replaced `setTimeout` by something that calls at once, over and over.
    running = undefined;
    return result;
  };

  const flush = (): Promise<FlushResult> => {
    env.clearTimeout(timer);
    timer = undefined;
    running ??= takeTurn();
    return running;
  };

  const hide = () => {
    // What is in flight goes again: a site that has replaced `fetch` may keep it from surviving the page.
    let room = maxBytes - inFlight;
    let beacon: Beacon | undefined;
    // biome-ignore lint/suspicious/noAssignInExpressions: as long as there is one
    while (room > MIN_BYTES && askedToWaitMs() <= 0 && (beacon = nextBeacon(room, sentAtHide))) {
      if (postAtHide(env, options, beacon)) {
        room -= byteLength(beacon);
        sentAtHide.push(beacon.identity, ...beacon.eventList.map(({ eventId }) => eventId));
      } else {
        // Requests in flight, of this script or of others, have taken part of the browser's budget.
        room /= 2;
      }
    }
  };

  const show = () => {
    sentAtHide = [];
  };
  // Outbox and answers tell of a loss in one way: this.
  const lose = (loss: Loss) => result?.lost.push(loss);

  return {
    _start() {
      bus._on('online', flush);
      bus._on('lost', lose);
      bus._on('show', show);
      bus._on('hide', hide);
      wakeIn(LEFTOVER_MS);
    },
    _schedule() {
      if (outbox._entries().length >= +(options.flushSize ?? 10) && waitMs() <= 0) {
        flush();
      } else {
        wakeIn(flushMs);
      }
    },
    _flush: flush,
  };
};
