import { watchClicks } from './clicks.js';
import { createDwell } from './dwell.js';
import { type Origin, originFields } from './event.js';
import { createImpression, type Impression } from './impressions.js';
import type { Core, Tracker, Watcher } from './tracker.js';

const ITEM = 'data-relay-item';
const LIST = 'data-relay-list';
const VIEW = 'data-relay-view';
/** Changes of the page are looked at together, at most this often. */
const RESCAN_MS = 100;

const originOf = (list: Element): Origin => ({
  recommendationId: list.getAttribute('data-relay-recommendation-id') ?? undefined,
  source: list.getAttribute('data-relay-source') ?? undefined,
});

/**
 * Collects what the `data-relay-*` attributes of a page say: views, clicks, and the items of each list really seen.
 *
 * @param sendImpressions Send what was seen and not clicked as `Impression` events when the page hides.
 */
export const watchPage = (tracker: Tracker, sendImpressions?: boolean): void => {
  const core = tracker as Core;
  const { _env: env } = core;
  const { _document: document, _window: window } = env;
  if (document && window) {
    core._watch(() => startWatching(core, document, window, sendImpressions));
  }
};

const startWatching = (
  core: Core,
  document: Document,
  window: Window & typeof globalThis,
  sendImpressions: boolean | undefined,
): Watcher => {
  const lists = new Map<Element, Impression>();
  /** Items under watch, with the id each had when it came. */
  let items = new Map<Element, string | null>();
  let views = new Set<string>();
  let cancelRescan: (() => void) | undefined;

  const see = (list: Element, item: Element, itemId: string) => {
    let impression = lists.get(list);
    if (!impression) {
      impression = createImpression();
      lists.set(list, impression);
    }
    impression._see(itemId, [...list.querySelectorAll(`[${ITEM}]`)].indexOf(item));
    return impression;
  };

  const dwell = createDwell(core._env, (item) => {
    const list = item.closest(`[${LIST}]`);
    const itemId = item.getAttribute(ITEM);
    if (list && itemId) {
      see(list, item, itemId);
      core._debug('seen', itemId);
    }
  });

  const rescan = () => {
    cancelRescan?.();
    cancelRescan = undefined;
    const found = new Map<Element, string | null>();
    for (const item of document.querySelectorAll(`[${LIST}] [${ITEM}]`)) {
      found.set(item, item.getAttribute(ITEM));
    }
    for (const [item, itemId] of items) {
      if (found.get(item) !== itemId) {
        dwell?._unwatch(item);
      }
    }
    for (const [item, itemId] of found) {
      if (items.get(item) !== itemId) {
        dwell?._watch(item);
      }
    }
    items = found;

    // By id, not by element: a framework that puts the element in anew shows nothing new.
    const shown = new Set<string>();
    for (const view of document.querySelectorAll(`[${VIEW}]`)) {
      const itemId = view.getAttribute(VIEW);
      if (itemId) {
        shown.add(itemId);
        if (!views.has(itemId)) {
          views.add(itemId);
          core._record('View', { itemId });
        }
      }
    }
    views = shown;
  };

  const changes = new window.MutationObserver(() => {
    cancelRescan ??= core._env._later(rescan, RESCAN_MS);
  });
  changes.observe(document, {
    childList: true,
    subtree: true,
    attributeFilter: [ITEM, VIEW, LIST],
  });

  const stopClicks = watchClicks(core._env, ({ _itemId: itemId, _type, _value, _item, _list }) => {
    const origin = _list && originOf(_list);
    if (origin) {
      core._attribution._remember(itemId, origin);
    }
    core._record(_type, {
      itemId,
      eventValue: _value,
      ...(_list && { ...originFields(originOf(_list)), impression: see(_list, _item, itemId)._carry() }),
    });
  });

  rescan();
  return {
    _hide() {
      if (cancelRescan) {
        rescan();
      }
      dwell?._pause();
      for (const [list, impression] of lists) {
        const seen = sendImpressions ? impression._untold() : [];
        if (seen.length) {
          core._record('Impression', { ...originFields(originOf(list)), impression: seen });
        }
        if (!list.isConnected) {
          lists.delete(list);
        }
      }
    },
    _show: () => dwell?._resume(),
    _restore() {
      views = new Set();
      rescan();
    },
    _stop() {
      stopClicks();
      changes.disconnect();
      cancelRescan?.();
      for (const item of items.keys()) {
        dwell?._unwatch(item);
      }
    },
  };
};
