import { byteLength } from './beacon.js';
import type { Env } from './env.js';
import type { RelayEvent } from './event.js';
import { guard } from './guard.js';
import type { Store } from './storage.js';

const EVENT = 'event.';
const LOST = 'lost';
const MAX_EVENTS = 200;
/** 128 KiB: a fortieth of what a browser gives a site. */
const MAX_BYTES = 131_072;

/** More than one beacon can carry. */
const MAX_EVENT_BYTES = 60_000;

/** Why an event is given up, as told to the relay. */
export type LostReason = 'outbox_full' | 'refused' | 'too_large' | 'bad_event';

/** An event that waits, as it is stored. */
export interface Entry {
  /** Sorts by the time the event was recorded. */
  _eventId: string;
  _sessionId: string;
  _json: string;
}

/**
 * The bounded buffer of unsent events. Each event is one stored name, written once when it happens and removed when
 * a relay has answered for it: tabs need not agree on anything to add, a crash loses nothing, and whichever
 * tab sends next sends everybody's.
 */
export interface Outbox {
  _newEventId(): string;
  _add(sessionId: string, event: RelayEvent): void;
  /** What waits, oldest first: whichever tab put it there, or only what this page made or found when it began. */
  _entries(onlyMine?: boolean): Entry[];
  _remove(entries: readonly Entry[]): void;
  /** Removes events for good and counts why. */
  _lose(reason: LostReason, entries: readonly Entry[]): void;
  _count(reason: LostReason, n: number): void;
  /** Losses not yet told to a relay, by reason. */
  _lost(): Partial<Record<LostReason, number>> | undefined;
  /** A relay has heard of these losses. */
  _told(lost: Partial<Record<LostReason, number>> | undefined): void;
  _clear(): void;
}

/** @param onLost Called with each loss: the reason and how many. */
export const createOutbox = (
  env: Env,
  store: Store,
  onLost: (reason: LostReason, n: number) => void,
): Outbox => {
  let made = 0;

  const lost = (): Partial<Record<LostReason, number>> =>
    guard(() => JSON.parse(store._get(LOST) ?? '{}')) ?? {};
  const saveLost = (counts: Partial<Record<LostReason, number>>) => {
    const left = Object.entries(counts).filter(([, n]) => n > 0);
    if (left.length) {
      store._set(LOST, JSON.stringify(Object.fromEntries(left)));
    } else {
      store._remove(LOST);
    }
  };

  const remove = (entries: readonly Entry[]) => {
    for (const { _eventId } of entries) {
      mine.delete(_eventId);
      store._remove(EVENT + _eventId);
    }
  };
  const count = (reason: LostReason, n: number) => {
    const counts = lost();
    saveLost({ ...counts, [reason]: (counts[reason] ?? 0) + n });
    onLost(reason, n);
  };
  const lose = (reason: LostReason, entries: readonly Entry[]) => {
    if (entries.length) {
      remove(entries);
      count(reason, entries.length);
    }
  };

  const mine = new Set(store._names(EVENT));

  const entries = (onlyMine?: boolean): Entry[] => {
    const found: Entry[] = [];
    for (const _eventId of store._names(EVENT)) {
      // Stored as the session id followed by the event's JSON: no session id holds a brace.
      const value = store._get(EVENT + _eventId) ?? '';
      const brace = value.indexOf('{');
      const entry = { _eventId, _sessionId: value.slice(0, brace), _json: value.slice(brace) };
      if (!guard(() => JSON.parse(entry._json))) {
        // Somebody else wrote under this name; in a beacon it would take its neighbours with it.
        remove([entry]);
      } else if (!onlyMine || mine.has(_eventId)) {
        found.push(entry);
      }
    }
    return found;
  };

  return {
    // Time and count first, each of fixed width, so that names sort as the events happened.
    _newEventId: () =>
      env._now().toString(36) +
      (made++ + 46_656).toString(36).slice(-3) +
      env._randomId().slice(0, 20),
    _add(sessionId, event) {
      const json = JSON.stringify(event);
      if (byteLength(json) > MAX_EVENT_BYTES) {
        count('too_large', 1);
        return;
      }
      const waiting = entries();
      let bytes = waiting.reduce((sum, entry) => sum + byteLength(entry._json), byteLength(json));
      let drop = 0;
      for (const entry of waiting) {
        if (waiting.length - drop < MAX_EVENTS && bytes <= MAX_BYTES) {
          break;
        }
        bytes -= byteLength(entry._json);
        drop++;
      }
      lose('outbox_full', waiting.slice(0, drop));
      mine.add(event.eventId);
      store._set(EVENT + event.eventId, sessionId + json);
    },
    _entries: entries,
    _remove: remove,
    _lose: lose,
    _count: count,
    _lost: () => {
      const counts = lost();
      return Object.keys(counts).length ? counts : undefined;
    },
    _told(told) {
      const counts = lost();
      for (const reason in told) {
        counts[reason as LostReason] = (counts[reason as LostReason] ?? 0) - (told[reason as LostReason] ?? 0);
      }
      saveLost(counts);
    },
    _clear() {
      remove(entries());
      store._remove(LOST);
    },
  };
};
