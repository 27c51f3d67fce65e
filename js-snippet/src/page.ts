import { attribute } from './attribute.js';
import { watchClicks } from './clicks.js';
import type { Dwell } from './dwell.js';
import { originFields } from './event.js';
import { createImpression, type Impression } from './impressions.js';
import type { Core } from './tracker.js';

/** Changes of the page are looked at together, at most this often. */
const RESCAN_MS = 100;

// Elements that left the document have their order too, if any.
const inDocumentOrder = (a: Element, b: Element) =>
  a.compareDocumentPosition(b) & 4 /* DOCUMENT_POSITION_FOLLOWING */ ? -1 : 1;

/** Collects what the `data-relay-*` attributes of a page say: views, clicks, and the items of each list really seen. */
export const watchPage = (core: Core): void => {
  const { _env: env, _bus: bus, _record: record } = core;
  const document = env.document as Document;
  const dwell = core._dwell as Dwell;
  /** What was seen of each list. */
  const lists = new Map<Element, Impression<Element>>();
  let views = new Set<string | null | undefined>();
  let timer: number | undefined;

  const see = (list: Element, item: Element, itemId: string) => {
    const impression =
      lists.get(list) ??
      createImpression(originFields(attribute(list, 'recommendation-id'), attribute(list, 'source')), inDocumentOrder);
    lists.set(list, impression);
    impression._see(itemId, item);
    return impression;
  };

  const onSeen = (item: Element) => {
    const list = item.closest('[data-relay-list]');
    const itemId = attribute(item, 'item');
    if (list && itemId) {
      bus._emit('seen', itemId);
      see(list, item, itemId);
    }
  };

  const rescan = () => {
    timer = undefined;
    // To watch what is watched already changes nothing.
    for (const item of document.querySelectorAll('[data-relay-list] [data-relay-item]')) {
      dwell._watch(item, onSeen);
    }

    // By id, not by element: a framework that puts the element in anew shows nothing new.
    const shown = new Set([...document.querySelectorAll('[data-relay-view]')].map((view) => attribute(view, 'view')));
    for (const itemId of shown) {
      if (itemId && !views.has(itemId)) {
        record('View', { itemId });
      }
    }
    views = shown;
  };

  const changes = new env.MutationObserver((records) => {
    // An element that is used again shows another item, or another list: the second of all inside begins anew.
    for (const { attributeName, target } of records) {
      if (attributeName) {
        const element = target as Element;
        core._tell(lists.get(element));
        lists.delete(element);
        [element, ...element.querySelectorAll('[data-relay-item]')].forEach(dwell._unwatch);
      }
    }
    if (!timer) {
      timer = env.setTimeout(rescan, RESCAN_MS);
    }
  });

  bus._on('start', () => {
    changes.observe(document, {
      childList: true,
      subtree: true,
      attributeFilter: ['item', 'view', 'list', 'recommendation-id'].map((name) => `data-relay-${name}`),
    });
    lists.clear();
    views = new Set();
    rescan();
  });
  bus._on('hide', () => {
    rescan();
    for (const [list, impression] of lists) {
      core._tell(impression);
      if (!list.isConnected) {
        lists.delete(list);
      }
    }
  });
  watchClicks(env, (itemId, item, type, eventValue, list) => {
    const impression = list && see(list, item, itemId);
    record(type, { ...impression?._origin, itemId, eventValue, impression: impression?._take() });
  });
};
