import type { ObjectDirective } from 'vue';
import { guard } from './guard.js';
import type { ListOptions, Tracker } from './index.js';
import { COUNTS_ITSELF } from './watching/clicks.js';
import { type Followed, follow } from './watching/list.js';

/**
 * The directive `v-relay-list="{ recommendationId, items, source }"` for the element around the items: tells which of
 * them the visitor sees, and, where items have `data-relay-item`, chooses. More items of the same recommendation are the
 * same list; another recommendation begins a new one.
 */
export const relayList = (tracker: Tracker): ObjectDirective<HTMLElement, ListOptions> => {
  const lists = new WeakMap<HTMLElement, Followed>();

  const choose = (event: MouseEvent) =>
    guard(() => {
      const item = (event.target as Element).closest<HTMLElement>('[data-relay-item]')?.dataset.relayItem;
      if (item && event.button < 2) {
        lists.get(event.currentTarget as HTMLElement)?.list.click(item);
      }
    });

  const show = (element: HTMLElement, options: ListOptions) =>
    guard(() => {
      const before = lists.get(element);
      const now = follow(tracker.list, before, options);
      if (now.list === before?.list) {
        now.list.update(now.options.items);
      } else {
        before?.list.stop();
        now.list.observe(element);
      }
      lists.set(element, now);
    });

  return {
    mounted(element, { value }) {
      show(element, value);
      // A script tag on the same page is not to count the clicks once more.
      (element as { [COUNTS_ITSELF]?: true })[COUNTS_ITSELF] = true;
      element.addEventListener('click', choose);
      element.addEventListener('auxclick', choose);
    },
    updated: (element, { value }) => show(element, value),
    unmounted: (element) => lists.get(element)?.list.stop(),
  };
};
