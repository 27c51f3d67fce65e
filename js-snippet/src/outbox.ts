import { byteLength } from './beacon.js';
import type { Bus } from './bus.js';
import type { RelayEvent } from './event.js';
import type { Store } from './storage.js';

const EVENT = 'event.';
const LOST = 'lost';
const MAX_EVENTS = 200;
/** 128 KiB: a fortieth of what a browser gives a site. */
const MAX_BYTES = 131_072;
/** One beacon has to carry it beside two tokens; a relay takes a fifth of it. */
const MAX_EVENT_BYTES = 50_000;

/** Why an event is given up, as told to the relay. */
export type LostReason = 'outbox_full' | 'refused' | 'too_large';

/** An event that waits, as it is stored. */
export type Entry = readonly [sessionId: string, event: RelayEvent];

/**
 * The bounded buffer of unsent events. Each event is one stored name, written once when it happens and removed when
 * a relay has answered for it: tabs need not agree on anything to add, a crash loses nothing, and whichever tab sends
 * next sends everybody's.
 */
export interface Outbox {
  _add(entry: Entry): void;
  /** What waits, whichever tab put it there, oldest first. */
  _entries(): Entry[];
  _remove(events: readonly RelayEvent[]): void;
  /** Removes events for good and counts why. */
  _lose(reason: LostReason, events: readonly RelayEvent[]): void;
  /** Losses no relay has heard of, by reason. */
  _lost(): Record<string, number> | undefined;
  /** A relay has heard of these. */
  _told(lost: Record<string, number> | undefined): void;
}

export const createOutbox = (store: Store, bus: Bus): Outbox => {
  const remove = (events: readonly RelayEvent[]) => {
    events.forEach(({ eventId }) => {
      store._remove(EVENT + eventId);
    });
  };
  const lose = (reason: LostReason, events: readonly RelayEvent[]) => {
    remove(events);
    const counts = store._get(LOST);
    store._set(LOST, { ...counts, [reason]: (counts?.[reason] ?? 0) + events.length });
    bus._emit('lost', { reason, events: events.length });
  };

  const entries = (): Entry[] =>
    store
      ._names(EVENT)
      .map((eventId) => store._get(EVENT + eventId))
      // What somebody else wrote under such a name would take its neighbours in the beacon with it.
      .filter((entry) => entry?.[1]?.eventId);

  return {
    _add(entry) {
      if (byteLength(entry) > MAX_EVENT_BYTES) {
        lose('too_large', [entry[1]]);
        return;
      }
      const waiting = [...entries(), entry];
      // The newest stay: what waits longest was most likely sent at some hide already.
      while (waiting.length > MAX_EVENTS || byteLength(waiting) > MAX_BYTES) {
        lose('outbox_full', [(waiting.shift() as Entry)[1]]);
      }
      store._set(EVENT + entry[1].eventId, entry);
    },
    _entries: entries,
    _remove: remove,
    _lose: lose,
    _lost: () => store._get(LOST),
    _told(lost) {
      // What was lost meanwhile makes a count that no relay has heard of.
      if (JSON.stringify(lost) === JSON.stringify(store._get(LOST))) {
        store._remove(LOST);
      }
    },
  };
};
