import { attribute } from './attribute.js';
import { watchClicks } from './clicks.js';
import type { Dwell } from './dwell.js';
import { originFields } from './event.js';
import { guard } from './guard.js';
import { createImpression, type Impression } from './impressions.js';
import type { Core } from './tracker.js';

const ITEMS = '[data-relay-list] [data-relay-item]';
/** Changes of the page are looked at together, at most this often. */
const RESCAN_MS = 100;
/** Items watched at once, more than a screen holds; the others in tasks of their own, of two milliseconds or so. */
const FIRST_ITEMS = 100;
const MORE_ITEMS = 1000;
const MOMENT_MS = 20;

// Elements that left the document have their order too, if any.
const inDocumentOrder = (a: Element, b: Element) =>
  (guard(() => a.compareDocumentPosition(b)) as number) & 4 /* DOCUMENT_POSITION_FOLLOWING */ ? -1 : 1;

/** Collects what the `data-relay-*` attributes of a page say: views, clicks, and the items of each list really seen. */
export const watchPage = (core: Core): void => {
  const { _env: env, _bus: bus, _record: record } = core;
  const enter = bus._enter;
  const document = env.document as Document;
  const dwell = core._dwell as Dwell;
  /** What was seen of each list. */
  const lists = new Map<Element, Impression<Element>>();
  let views = new Set<string | null | undefined>();
  let changes: MutationObserver | undefined;
  // biome-ignore lint/correctness/noUnusedVariables: `||=` reads it
  let timer: number | undefined;

  const see = (list: Element, item: Element, itemId: string) => {
    const impression =
      lists.get(list) ??
      createImpression(originFields(attribute(list, 'recommendation-id'), attribute(list, 'source')), inDocumentOrder);
    lists.set(list, impression);
    impression._see(itemId, item);
    return impression;
  };

  /** Notes what is shown. By id, not by element: a framework that puts the element in anew shows nothing new. */
  const view = () => {
    const shown = new Set([...document.querySelectorAll('[data-relay-view]')].map((found) => attribute(found, 'view')));
    for (const itemId of shown) {
      if (itemId && !views.has(itemId)) {
        record('View', { itemId });
      }
    }
    views = shown;
  };

  const scan = () => {
    timer = 0;
    view();
    // A list of nodes makes a node known to the script when it is asked for. To watch one again changes nothing.
    const items = document.querySelectorAll(ITEMS);
    const watch = (from: number, to: number) => {
      [].slice.call(items, from, to).forEach(dwell._watch);
      if (items[to]) {
        bus._later(() => watch(to, to + MORE_ITEMS), MOMENT_MS);
      }
    };
    watch(0, FIRST_ITEMS);
  };

  const onChanges = (records: MutationRecord[]) => {
    timer ||= bus._later(scan, RESCAN_MS);
    records.forEach(
      enter(({ attributeName, target }) => {
        const element = target as Element;
        // An element that is used again shows another item, or another list: the second of all inside begins anew.
        if (attributeName) {
          core._tell(lists.get(element));
          lists.delete(element);
          [element, ...element.querySelectorAll(ITEMS)].forEach(dwell._unwatch);
        }
      }),
    );
  };

  bus._on('seen', (item) => {
    const list = item.closest('[data-relay-list]');
    const itemId = attribute(item, 'item');
    if (list && itemId) {
      see(list, item, itemId);
    }
  });
  bus._on('start', () => {
    lists.clear();
    views = new Set();
    scan();
    // Last: where the browser has none, or will not make one, all else goes on.
    changes ??= new env.MutationObserver(enter(onChanges));
    changes.observe(document, {
      subtree: true,
      childList: true,
      attributeFilter: ['item', 'view', 'list', 'recommendation-id'].map((name) => `data-relay-${name}`),
    });
  });
  bus._on('hide', () => {
    view();
    lists.forEach(
      enter((impression, list) => {
        core._tell(impression);
        if (!list.isConnected) {
          lists.delete(list);
        }
      }),
    );
  });
  watchClicks(bus, (itemId, item, type, eventValue, list) => {
    const impression = list && see(list, item, itemId);
    record(type, { ...impression?._origin, itemId, eventValue, impression: impression?._take() });
  });
};
