import type { Entry, RelayEvent } from '../event.js';
/** One body, and everything in flight that is to survive the page together: the browsers' budget. */
export declare const MAX_BYTES = 65536;
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
export declare const takeBeaconful: (entries: readonly Entry[], maxBytes: number) => RelayEvent[];
