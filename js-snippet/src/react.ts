import { type RefCallback, useCallback, useMemo } from 'react';
import { guard } from './guard.js';
import type { List, ListOptions, Tracker } from './index.js';

/** What a component needs of its list. */
export interface RelayList<T extends Element> {
  /** For the element around the items. */
  ref: RefCallback<T>;
  /** For the `onClick` of an item: `click(itemId)`. */
  click: List['click'];
}

/**
 * Tells which items of a list the visitor sees and chooses:
 * `const { ref, click } = useRelayList(tracker, { recommendationId, items, source })`.
 * Another recommendation, or other items, begin a new list.
 */
export const useRelayList = <T extends Element = HTMLElement>(tracker: Tracker, options: ListOptions): RelayList<T> => {
  // By value: components make their arrays anew at every render.
  const key = guard(() => JSON.stringify(options)) ?? '';
  const list = useMemo(() => tracker.list(guard(() => JSON.parse(key)) ?? { items: [] }), [tracker, key]);
  const ref = useCallback(
    (element: T | null) => {
      if (element) {
        list.observe(element);
      } else {
        list.stop(); // React 18; later ones call what is returned
      }
      return list.stop;
    },
    [list],
  );
  return { ref, click: list.click };
};
