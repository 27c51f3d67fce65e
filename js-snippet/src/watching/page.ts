import { originFields } from '../event.js';
import { guard } from '../guard.js';
import type { Core } from '../tracker.js';
import { attribute } from './attribute.js';
import { watchClicks } from './clicks.js';
import type { Dwell } from './dwell.js';
import { createImpression, type Impression } from './impressions.js';

const ITEMS = '[data-relay-list] [data-relay-item]';
const VIEWS = '[data-relay-view]';
const WATCHED = '[data-relay-view],[data-relay-item]';
/** Views that come and go are looked at together, at most this often. */
const VIEWS_MS = 100;
/** Items watched at once, more than a screen holds; the others in tasks of their own, of two milliseconds or so. */
const FIRST_ITEMS = 100;
const MORE_ITEMS = 1000;
const MOMENT_MS = 20;
/** Lists of one page, in a single-page app. */
const MAX_LISTS = 50;

// Elements that left the document have their order too, if any.
const inDocumentOrder = (a: Element, b: Element) =>
  (guard(() => a.compareDocumentPosition(b)) as number) & 4 /* DOCUMENT_POSITION_FOLLOWING */ ? -1 : 1;

/** Whether it is on the page, not in a closed dialog say; one without a box of its own is when a child is. */
const isShown = (element: Element) => [element, ...element.children].some((one) => one.checkVisibility?.() ?? true);

/** Collects what the `data-relay-*` attributes of a page say: views, clicks, and the items of each list really seen. */
export const watchPage = (core: Core): void => {
  const bus = core._bus;
  const env = core._env;
  const record = core._record;
  const enter = bus._enter;
  const document = env.document as Document;
  const dwell = core._dwell as Dwell;
  /** What was seen of each list. */
  const lists = new Map<Element | string, Impression<Element>>();
  let views = new Set<string | null | undefined>();
  let changes: MutationObserver | undefined;
  let hiddenViews: IntersectionObserver | undefined;
  // biome-ignore lint/correctness/noUnusedVariables: `||=` reads it
  let timer: number | undefined;

  /** A list drawn anew is the same where its recommendation says so. */
  const impressionOf = (list: Element): Impression<Element> => {
    const [id, source] = ['recommendation-id', 'source'].map((name) => attribute(list, name));
    const key = id ? `${id} ${source}` : list;
    const impression = lists.get(key) ?? createImpression(originFields(id, source), inDocumentOrder);
    if (lists.size > MAX_LISTS) {
      lists.clear();
    }
    lists.set(key, impression);
    return impression;
  };
  const tell = () => lists.forEach(enter(core._tell));

  /** Notes what is shown. By id, not by element: a framework that puts the element in anew shows nothing new. */
  const view = () => {
    timer = 0;
    const shown = new Set<string | null | undefined>();
    document.querySelectorAll(VIEWS).forEach((element) => {
      if (guard(() => isShown(element))) {
        shown.add(attribute(element, 'view'));
      } else {
        guard(() => {
          // It speaks once at first, and then whenever the element comes into sight, or goes.
          hiddenViews ??= new env.IntersectionObserver(enter(viewSoon));
          hiddenViews.observe(element);
        });
      }
    });
    for (const itemId of shown) {
      if (itemId && !views.has(itemId)) {
        record('View', { itemId });
      }
    }
    views = shown;
  };
  const viewSoon = () => {
    timer ||= bus._later(view, VIEWS_MS);
  };

  /** Watches items. A list of nodes makes a node known to the script when it is asked for. */
  const watch = (items: ArrayLike<Element>, from = 0, to = FIRST_ITEMS) => {
    [].slice.call(items, from, to).forEach(dwell._watch);
    if (items[to]) {
      bus._later(() => watch(items, to, to + MORE_ITEMS), MOMENT_MS);
    }
  };
  const watchIn = (element: Element | Document) => {
    watch(element.querySelectorAll(ITEMS));
    if ((element as Element).matches?.(ITEMS)) {
      dwell._watch(element as Element);
    }
  };

  /** Only what has changed is looked at again: a page may change something twenty times a second. */
  const onChange = ({ attributeName, oldValue, target, addedNodes, removedNodes }: MutationRecord) => {
    const element = target as Element;
    if (!attributeName) {
      for (const node of [...addedNodes, ...removedNodes]) {
        guard(() => {
          // Most have nothing to do with this: one question for all of it.
          if ((node as Element).matches?.(WATCHED) || (node as Element).querySelector?.(WATCHED)) {
            viewSoon();
            if (node.isConnected) {
              watchIn(node as Element);
            }
          }
        });
      }
    } else if (element.getAttribute(attributeName) !== oldValue) {
      // An element that is used again shows another item, or another list: the second of all inside begins anew.
      if (attribute(element, 'list') != null) {
        tell();
        lists.delete(element);
      }
      [element, ...element.querySelectorAll(ITEMS)].forEach(dwell._unwatch);
      watchIn(element);
      viewSoon();
    }
  };

  bus._on('seen', (item) => {
    const list = item.closest('[data-relay-list]');
    const itemId = attribute(item, 'item');
    if (list && itemId) {
      impressionOf(list)._see(itemId, item);
    }
  });
  bus._on('start', () => {
    view();
    watchIn(document);
    // Last: where the browser has none, or will not make one, all else goes on.
    changes ??= new env.MutationObserver(enter((records) => records.forEach(enter(onChange))));
    changes.observe(document, {
      subtree: true,
      childList: true,
      attributeOldValue: true,
      attributeFilter: ['item', 'view', 'list', 'recommendation-id', 'source'].map((name) => `data-relay-${name}`),
    });
  });
  bus._on('stop', (forgotten) => {
    changes?.disconnect();
    lists.clear();
    // A view is one a showing: what nobody has heard of may count later.
    for (const [, { eventType, itemId }] of forgotten) {
      if (eventType === 'View') {
        views.delete(itemId as string);
      }
    }
  });
  bus._on('back', () => {
    views.clear();
    view();
  });
  bus._on('hide', () => {
    view();
    tell();
  });
  watchClicks(bus, (itemId, item, type, eventValue, list) => {
    const impression = list && impressionOf(list);
    impression?._see(itemId, item);
    record(type, { ...impression?._origin, itemId, eventValue, impression: impression?._take() });
  });
};
