/** Items of one impression that the service takes. */
const MAX_ITEMS = 25;

/** The items of one list that were really seen: the 25 seen last. */
export interface Impression {
  /** The item was seen, or clicked, at this position of the list. */
  _see(itemId: string, position: number): void;
  /** Items seen, by position, for an event to carry: all of them, or those no event has carried yet. */
  _take(onlyUntold?: boolean): string[];
}

export const createImpression = (): Impression => {
  // Order of insertion is order of sight: the first is the one seen longest ago.
  const seen = new Map<string, [position: number, isTold?: boolean]>();
  return {
    _see(itemId, position) {
      const isTold = seen.get(itemId)?.[1] as boolean;
      seen.delete(itemId);
      seen.set(itemId, [position, isTold]);
      if (seen.size > MAX_ITEMS) {
        seen.delete([...seen.keys()][0] as string);
      }
    },
    _take: (onlyUntold) =>
      [...seen]
        .filter(([, [, isTold]]) => !(onlyUntold && isTold))
        .sort(([, [a]], [, [b]]) => a - b)
        .map(([itemId, sight]) => {
          sight[1] = true;
          return itemId;
        }),
  };
};
