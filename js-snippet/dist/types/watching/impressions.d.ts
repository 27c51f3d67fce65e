import type { EventFields } from '../event.js';
/** The items of one list that were really seen: the 25 seen last. `P` says where an item stands in the list. */
export interface Impression<P> {
    /** Where the list comes from. */
    _origin: EventFields;
    /** The item was seen, or clicked, at this place of the list. */
    _see(itemId: string, place: P): void;
    /** Items seen, in order of place, for an event to carry: all of them, or those no event has carried yet. */
    _take(onlyUntold?: boolean): string[];
}
/** @param compare Orders two places, as for `sort`. */
export declare const createImpression: <P>(origin: EventFields, compare: (a: P, b: P) => number) => Impression<P>;
