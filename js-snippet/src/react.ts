import { type RefCallback, useCallback, useEffect, useRef } from 'react';
import { guard } from './guard.js';
import type { List, ListOptions, Tracker } from './index.js';
import { type Followed, follow } from './watching/list.js';

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
 * More items of the same recommendation are the same list; another recommendation begins a new one.
 */
export const useRelayList = <T extends Element = HTMLElement>(tracker: Tracker, options: ListOptions): RelayList<T> => {
  const held = useRef<Followed & { tracker: Tracker }>(undefined);
  const before = held.current?.tracker === tracker ? held.current : undefined;
  const followed =
    guard(() => follow(tracker.list, before, options)) ?? before ?? follow(tracker.list, undefined, { items: [] });
  held.current = { ...followed, tracker };
  const { list } = followed;
  useEffect(() => void list.update(followed.options.items));
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
