import { originFields } from '../event.js';
import type { Core } from '../tracker.js';
import { attribute } from './attribute.js';
import { createImpression } from './impressions.js';

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
   * the element's children, in the order of `items`. Those that come later, too.
   */
  observe(element: Element): void;
  /** The list has grown, or changed: what was seen of it stays. */
  update(items: readonly string[]): void;
  /** The visitor chose this item: a `Click`, or the event named, with what was seen of the list. */
  click(itemId: string, type?: string): void;
  /** Ends watching; `observe` begins again. */
  stop(): void;
}

export const createList = (core: Core, options: ListOptions): List => {
  const { _bus: bus, _dwell: dwell, _env: env } = core;
  const enter = bus._enter;
  const create = () =>
    createImpression<number>(originFields(options.recommendationId, options.source), (a, b) => a - b);
  let { items } = options;
  let impression = create();
  let watched = new Map<Element, string>();
  let around: Element | undefined;
  let changes: MutationObserver | undefined;
  const see = (itemId: string) => impression._see(itemId, items.indexOf(itemId));

  /** Finds the elements of the items: a component may put them in later, or others in their place. */
  const collect = () => {
    const found = new Map<Element, string>();
    if (around) {
      const marked = [...around.querySelectorAll('[data-relay-item]')];
      // One child of a list of several is no item, but what turns until they are there.
      const rows = marked[0] || (items[1] !== undefined && !around.children[1]) ? marked : [...around.children];
      rows.forEach((row, position) => {
        const itemId = attribute(row, 'item') ?? items[position];
        if (itemId && items.includes(itemId)) {
          found.set(row, itemId);
        }
      });
    }
    for (const [row, itemId] of watched) {
      if (found.get(row) !== itemId) {
        dwell?._unwatch(row);
      }
    }
    watched = found;
    for (const row of found.keys()) {
      dwell?._watch(row);
    }
  };

  const tell = () => core._tell(impression);
  const onSeen = (element: Element) => {
    const itemId = watched.get(element);
    if (itemId) {
      see(itemId);
    }
  };
  const forget = () => {
    impression = create();
  };
  const listeners = [
    ['hide', tell],
    ['seen', onSeen],
    ['start', collect],
    ['stop', forget],
  ] as const;

  return {
    observe: enter((element: Element) => {
      around = element;
      for (const [topic, listener] of listeners) {
        bus._on(topic, listener as never);
      }
      collect();
      changes?.disconnect();
      changes = new env.MutationObserver(enter(collect));
      changes.observe(element, { subtree: true, childList: true, attributeFilter: ['data-relay-item'] });
    }),
    update: enter((more: readonly string[]) => {
      items = more;
      collect();
    }),
    click: enter((itemId: string, type = 'Click') => {
      see(itemId);
      core._record(type, { ...impression._origin, itemId, impression: impression._take() });
    }),
    stop: enter(() => {
      tell();
      for (const [topic, listener] of listeners) {
        bus._on(topic, listener as never).delete(listener);
      }
      changes?.disconnect();
      around = undefined;
      collect();
    }),
  };
};

/** A list, and what it was made for. */
export interface Followed {
  list: List;
  options: ListOptions;
}

/**
 * The list of a component that is drawn again: the same one as long as it is the same recommendation, or, without one,
 * as long as items are only added.
 */
export const follow = (
  create: (options: ListOptions) => List,
  before: Followed | undefined,
  now: ListOptions,
): Followed => {
  const { recommendationId, source } = now;
  const items = [...now.items];
  const was = before?.options;
  const isSame =
    was?.recommendationId === recommendationId &&
    was?.source === source &&
    (recommendationId || was?.items.every((item, i) => item === items[i]));
  const options = { recommendationId, source, items };
  return { list: before && isSame ? before.list : create(options), options };
};
