/** Items of one impression that the service takes. */
const MAX_ITEMS = 25;

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
export const createImpression = (): Impression => {
  // Insertion order is order of sight: the first is the one seen longest ago.
  const positions = new Map<string, number>();
  let untold = new Set<string>();

  const inOrder = () => [...positions].sort((a, b) => a[1] - b[1]).map(([itemId]) => itemId);

  return {
    _see(itemId, position) {
      if (!positions.has(itemId)) {
        untold.add(itemId);
      }
      positions.delete(itemId);
      positions.set(itemId, position);
      if (positions.size > MAX_ITEMS) {
        positions.delete(positions.keys().next().value as string);
      }
    },
    _carry() {
      untold = new Set();
      return inOrder();
    },
    _untold() {
      const told = untold;
      untold = new Set();
      return inOrder().filter((itemId) => told.has(itemId));
    },
  };
};
