import type { Env } from './env.js';
import type { RelayEvent } from './event.js';
import type { Store } from './storage.js';
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
export declare const createOutbox: (env: Env, store: Store, onLost: (reason: LostReason, n: number) => void) => Outbox;
