/** The items of one list that were really seen: the 25 seen last. */
export interface Impression {
    /** The item was seen, or clicked, at this position of the list. */
    _see(itemId: string, position: number): void;
    /** Items seen, by position, for an event to carry: all of them, or those no event has carried yet. */
    _take(onlyUntold?: boolean): string[];
}
export declare const createImpression: () => Impression;
