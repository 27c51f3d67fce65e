import type { Bus } from '../bus.js';
import type { Entry, RelayEvent } from '../event.js';
import { byteLength, stringify } from '../json.js';
import type { Store } from '../visitor/storage.js';
import type { LostReason, Refusal } from './answer.js';

const NAME = 'events';
const DONE = 'done';
const LOST = 'lost';
const MAX_EVENTS = 200;
/** 128 KiB: a fortieth of what a browser gives a site. */
const MAX_BYTES = 131_072;
/** One beacon has to carry it beside two tokens; a relay takes a fifth of it. */
const MAX_EVENT_BYTES = 50_000;
const MAX_DONE = 50;

/**
 * The bounded buffer of unsent events: one stored list of all pages, and beside it what this page recorded itself, until
 * a relay has answered for it. So neither a page that writes at the same moment nor a site that clears its storage loses
 * anything; a crash does not either, and whichever tab sends next sends everybody's. The ids answered for last are
 * stored too, so that the page that recorded them knows.
 */
export interface Outbox {
  _add(entry: Entry): void;
  /** What waits, whichever tab put it there, oldest first. */
  _entries(): Entry[];
  _remove(events: readonly RelayEvent[]): void;
  /** Removes events for good and counts why. */
  _lose(reason: LostReason, events: readonly RelayEvent[], refusal?: Refusal): void;
  /** Losses no relay has heard of, by reason. */
  _lost(): Record<string, number> | undefined;
  /** A relay has heard of these. */
  _told(lost: Record<string, number> | undefined): void;
  /** Takes over what an earlier version stored. */
  _adopt(): void;
  /** Forgets what this page recorded; what that was. */
  _forget(): Entry[];
}

export const createOutbox = (store: Store, bus: Bus): Outbox => {
  /** Recorded by this page. */
  let mine: Entry[] = [];

  const read = (done: readonly unknown[] = store._list(DONE)): Entry[] => {
    const isWaiting = (entry: Entry) => !done.includes(entry[1].eventId);
    mine = mine.filter(isWaiting);
    const waiting = new Map<string, Entry>();
    // What somebody else wrote there would take its neighbours in the beacon with it.
    for (const entry of [...store._list(NAME), ...mine]) {
      if (entry?.[0]?.split && entry[1]?.eventId?.split && isWaiting(entry)) {
        waiting.set(entry[1].eventId, entry);
      }
    }
    return [...waiting.keys()].sort().map((id) => waiting.get(id) as Entry);
  };
  const remove = (events: readonly RelayEvent[]) => {
    const done = [...store._list(DONE), ...events.map(({ eventId }) => eventId)];
    store._set(NAME, read(done));
    store._set(DONE, done.slice(-MAX_DONE));
  };
  const lose: Outbox['_lose'] = (reason, events, refusal) => {
    remove(events);
    const counts = store._get(LOST);
    store._set(LOST, { ...counts, [reason]: (counts?.[reason] ?? 0) + events.length });
    bus._emit('lost', { reason, events: events.length, ...refusal });
  };

  return {
    _add(entry) {
      if (byteLength(entry) > MAX_EVENT_BYTES) {
        lose('too_large', [entry[1]]);
      } else {
        mine.push(entry);
        const waiting = read();
        store._set(NAME, waiting);
        // The newest stay: what waits longest was most likely sent at some hide already.
        while (waiting.length > MAX_EVENTS || byteLength(waiting) > MAX_BYTES) {
          lose('outbox_full', [(waiting.shift() as Entry)[1]]);
        }
      }
    },
    _entries: () => read(),
    _remove: remove,
    _lose: lose,
    _lost: () => store._get(LOST) ?? undefined,
    _told(lost) {
      // What was lost meanwhile makes a count that no relay has heard of.
      if (lost && stringify(lost) === stringify(store._get(LOST))) {
        store._set(LOST, null);
      }
    },
    _adopt: () => store._adopt(NAME),
    _forget: () => mine.splice(0),
  };
};
