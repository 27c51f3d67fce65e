/** The items of one list that were really seen, and which of them no event has told about yet. */
export interface Impression {
    /** The item was seen, or clicked, at this position of the list. */
    _see(itemId: string, position: number): void;
    /** Every item seen, by position: what a click on the list carries. Clears `_untold`. */
    _carry(): string[];
    /** The items seen since the last event that carried any, by position. Clears itself. */
    _untold(): string[];
}
/** Keeps the 25 items seen last. */
export declare const createImpression: () => Impression;
