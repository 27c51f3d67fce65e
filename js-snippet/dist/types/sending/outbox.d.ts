import type { Bus } from '../bus.js';
import type { Entry, RelayEvent } from '../event.js';
import type { Store } from '../visitor/storage.js';
import type { LostReason, Refusal } from './answer.js';
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
export declare const createOutbox: (store: Store, bus: Bus) => Outbox;
