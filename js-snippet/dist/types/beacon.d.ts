import type { Entry } from './outbox.js';
/** Events of one beacon; the relay takes 500, smaller answers sooner. */
export declare const MAX_EVENTS = 100;
/** One body, and everything in flight that is to survive the page together: the browsers' budget, in bytes. */
export declare const MAX_BYTES = 65536;
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
export declare const byteLength: (text: string) => number;
/** The head, and the events as they lie in the outbox: nothing is decoded to be encoded again. */
export declare const encodeBeacon: (head: BeaconHead, events: readonly string[]) => string;
/**
 * The oldest events of the oldest session that fit into one beacon.
 *
 * @param maxBytes For the events with their commas, without the head.
 * @returns At least one entry unless there is none or the first is too large alone.
 */
export declare const takeBeaconful: (entries: readonly Entry[], maxBytes: number) => Entry[];
