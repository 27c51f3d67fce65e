import type { ObjectDirective } from 'vue';
import { guard } from './guard.js';
import type { List, ListOptions, Tracker } from './index.js';

/**
 * The directive `v-relay-list="{ recommendationId, items, source }"` for the element around the items: tells which of
 * them the visitor sees, and, where items have `data-relay-item`, chooses. Another recommendation, or other items,
 * begin a new list.
 */
export const relayList = (tracker: Tracker): ObjectDirective<HTMLElement, ListOptions> => {
  const lists = new WeakMap<HTMLElement, { list: List; key: string }>();

  const choose = (event: MouseEvent) =>
    guard(() => {
      const item = (event.target as Element).closest<HTMLElement>('[data-relay-item]')?.dataset.relayItem;
      if (item && event.button < 2) {
        lists.get(event.currentTarget as HTMLElement)?.list.click(item);
      }
    });

  const show = (element: HTMLElement, options: ListOptions) =>
    guard(() => {
      const key = JSON.stringify(options);
      const before = lists.get(element);
      if (before?.key === key) {
        before.list.observe(element); // Its items may have been put in anew.
      } else {
        before?.list.stop();
        const list = tracker.list(options);
        list.observe(element);
        lists.set(element, { list, key });
      }
    });

  return {
    mounted(element, { value }) {
      show(element, value);
      element.addEventListener('click', choose);
      element.addEventListener('auxclick', choose);
    },
    updated: (element, { value }) => show(element, value),
    unmounted: (element) => lists.get(element)?.list.stop(),
  };
};
