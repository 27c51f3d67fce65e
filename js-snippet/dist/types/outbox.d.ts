import type { Bus } from './bus.js';
import type { RelayEvent } from './event.js';
import type { Store } from './storage.js';
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
export declare const createOutbox: (store: Store, bus: Bus) => Outbox;
