import type { Entry, RelayEvent } from '../event.js';
import { byteLength } from '../json.js';

/** One body, and everything in flight that is to survive the page together: the browsers' budget. */
export const MAX_BYTES = 65_536;

/** One POST body. */
export interface Beacon {
  v: 1;
  token: string;
  sessionId: string;
  identity: string | undefined;
  sentAt: number;
  seq: number;
  lost: Record<string, number> | undefined;
  eventList: RelayEvent[];
}

/**
 * The oldest events of one session, and of one login in it, that fit into one beacon.
 *
 * @param maxBytes For the events and their commas.
 * @returns At least one event, unless there is none or the first is too large alone.
 */
export const takeBeaconful = (entries: readonly Entry[], maxBytes: number): RelayEvent[] => {
  const taken: RelayEvent[] = [];
  let room = maxBytes;
  for (const [sessionId, event, number] of entries) {
    if (sessionId === entries[0]?.[0] && number === entries[0][2]) {
      room -= byteLength(event) + 1;
      if (room < 0) {
        break;
      }
      taken.push(event);
    }
  }
  return taken;
};
