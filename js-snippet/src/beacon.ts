import type { Entry } from './outbox.js';

/** Events of one beacon; the relay takes 500, smaller answers sooner. */
export const MAX_EVENTS = 100;
/** One body, and everything in flight that is to survive the page together: the browsers' budget, in bytes. */
export const MAX_BYTES = 65_536;

/** What a beacon says beside its events (contract §3). */
export interface BeaconHead {
  v: 1;
  token: string;
  sessionId: string;
  identity?: string | undefined;
  sentAt: number;
  seq: number;
  lost?: Record<string, number> | undefined;
}

/** Length in UTF-8: the budget counts bytes, and one "€" has three. */
export const byteLength = (text: string): number => new TextEncoder().encode(text).length;

/** The head, and the events as they lie in the outbox: nothing is decoded to be encoded again. */
export const encodeBeacon = (head: BeaconHead, events: readonly string[]): string =>
  `${JSON.stringify(head).slice(0, -1)},"eventList":[${events}]}`;

/**
 * The oldest events of the oldest session that fit into one beacon.
 *
 * @param maxBytes For the events with their commas, without the head.
 * @returns At least one entry unless there is none or the first is too large alone.
 */
export const takeBeaconful = (entries: readonly Entry[], maxBytes: number): Entry[] => {
  const taken: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (entry._sessionId === entries[0]?._sessionId) {
      bytes += byteLength(entry._json) + 1;
      if (bytes > maxBytes || taken.length === MAX_EVENTS) {
        break;
      }
      taken.push(entry);
    }
  }
  return taken;
};
