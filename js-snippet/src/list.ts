import { attribute } from './attribute.js';
import { originFields } from './event.js';
import { createImpression } from './impressions.js';
import type { Core } from './tracker.js';

/** A list of recommendations, as the page got it. */
export interface ListOptions {
  recommendationId?: string | undefined;
  /** Item ids in order of position. */
  items: readonly string[];
  /** Place on the site, for metric attribution: `home-top`. */
  source?: string | undefined;
}

/** What the visitor sees of a list and does with it. No method throws, whatever the page and the browser do. */
export interface List {
  /**
   * Watches which items are really seen: the elements inside that have `data-relay-item`, or without any
   * the element's children, in the order of `items`.
   */
  observe(element: Element): void;
  /** The visitor chose this item: a `Click`, or the event named, with what was seen of the list. */
  click(itemId: string, type?: string): void;
  /** Ends watching; `observe` begins again. */
  stop(): void;
}

export const createList = (core: Core, { recommendationId, items, source }: ListOptions): List => {
  const impression = createImpression<number>(originFields(recommendationId, source), (a, b) => a - b);
  const watched = new Map<Element, string>();
  const see = (itemId: string) => impression._see(itemId, items.indexOf(itemId));

  const tell = () => core._tell(impression);
  const onSeen = (element: Element) => {
    const itemId = watched.get(element);
    if (itemId) {
      see(itemId);
    }
  };
  let hideListeners: Set<unknown> | undefined;
  let seenListeners: Set<unknown> | undefined;

  const { _enter: enter } = core._bus;
  return {
    observe: enter((element: Element) => {
      hideListeners = core._bus._on('hide', tell);
      seenListeners = core._bus._on('seen', onSeen);
      const marked = [...element.querySelectorAll('[data-relay-item]')];
      (marked.length ? marked : [...element.children]).forEach((item, position) => {
        const itemId = attribute(item, 'item') ?? items[position];
        if (itemId && items.includes(itemId)) {
          watched.set(item, itemId);
          core._dwell?._watch(item);
        }
      });
    }),
    click: enter((itemId: string, type = 'Click') => {
      see(itemId);
      core._record(type, { ...impression._origin, itemId, impression: impression._take() });
    }),
    stop: enter(() => {
      tell();
      hideListeners?.delete(tell);
      seenListeners?.delete(onSeen);
      for (const item of watched.keys()) {
        core._dwell?._unwatch(item);
      }
      watched.clear();
    }),
  };
};
