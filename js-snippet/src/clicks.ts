import type { Env } from './env.js';
import { guard } from './guard.js';

/** The same event on the same item within this time is one interaction: a double click, or a label and its input. */
const SAME_INTERACTION_MS = 500;

/** A click on an item, or on a control of it. */
export interface ItemClick {
  _itemId: string;
  /** `data-relay-event`, else `Click`. */
  _type: string;
  _value: number | undefined;
  _item: Element;
  /** The `data-relay-list` around it. */
  _list: Element | undefined;
}

/** What the elements from the one clicked up to the document say about the click. */
const readPath = (path: readonly EventTarget[]): ItemClick | undefined => {
  let type: string | null = null;
  let value: string | null = null;
  let itemId: string | null = null;
  let item: Element | undefined;
  for (const node of path as Element[]) {
    // Documents, shadow roots, and the window have no attributes.
    if (!node.getAttribute) {
      continue;
    }
    if (!itemId) {
      type ??= node.getAttribute('data-relay-event');
      value ??= node.getAttribute('data-relay-value');
      itemId =
        node.getAttribute('data-relay-item') ?? (type && node.getAttribute('data-relay-view'));
      item = node;
    }
    if (itemId && node.hasAttribute('data-relay-list')) {
      return click(itemId, type, value, item as Element, node);
    }
  }
  return itemId ? click(itemId, type, value, item as Element) : undefined;
};

const click = (
  itemId: string,
  type: string | null,
  value: string | null,
  item: Element,
  list?: Element,
): ItemClick => ({
  _itemId: itemId,
  _type: type || 'Click',
  _value: value ? Number(value) : undefined,
  _item: item,
  _list: list,
});

/**
 * One listener for every item there is or will be. A keyboard's Enter arrives as a click, a middle click as auxclick; it
 * listens in the capture phase, so a page that stops the event further down is heard too, and passively.
 *
 * @returns The undo.
 */
export const watchClicks = (env: Env, onClick: (click: ItemClick) => void): (() => void) => {
  const stop = new AbortController();
  let last = '';
  let lastAt = 0;
  const handle = (event: Event) =>
    guard(() => {
      const found = (event as MouseEvent).button < 2 && readPath(event.composedPath());
      if (found) {
        const what = `${found._type} ${found._itemId}`;
        const isRepeat = what === last && event.timeStamp - lastAt < SAME_INTERACTION_MS;
        last = what;
        lastAt = event.timeStamp;
        if (!isRepeat) {
          onClick(found);
        }
      }
    });
  for (const type of ['click', 'auxclick']) {
    env._window?.addEventListener(type, handle, {
      capture: true,
      passive: true,
      signal: stop.signal,
    });
  }
  return () => stop.abort();
};
