import type { EventFields } from '../event.js';

/** Items of one impression that the service takes. */
const MAX_ITEMS = 25;

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
export const createImpression = <P>(origin: EventFields, compare: (a: P, b: P) => number): Impression<P> => {
  // Order of insertion is order of sight: the first is the one seen longest ago.
  const seen = new Map<string, P>();
  const told = new Set<string>();
  return {
    _origin: origin,
    _see(itemId, place) {
      seen.delete(itemId);
      seen.set(itemId, place);
      if (seen.size > MAX_ITEMS) {
        seen.delete([...seen.keys()][0] as string);
      }
    },
    _take: (onlyUntold) =>
      [...seen]
        .filter(([itemId]) => !(onlyUntold && told.has(itemId)))
        .sort(([, a], [, b]) => compare(a, b))
        .map(([itemId]) => {
          told.add(itemId);
          return itemId;
        }),
  };
};
