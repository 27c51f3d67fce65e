import { attribute } from './attribute.js';
import type { Bus } from './bus.js';

/** The same event on the same item within this time is one interaction: a double click, or a label and its input. */
const SAME_INTERACTION_MS = 500;

/**
 * A click on an item, or on a control of it.
 *
 * @param type `data-relay-event`, else `Click`.
 * @param value `data-relay-value`.
 * @param list The `data-relay-list` around it.
 */
export type OnClick = (
  itemId: string,
  item: Element,
  type: string,
  value: number | undefined,
  list: Element | undefined,
) => void;

/** One listener for all items there are or will be. A keyboard's Enter arrives as a click, a middle click as auxclick. */
export const watchClicks = (bus: Bus, onClick: OnClick): void => {
  let last: string | undefined;
  let lastAt = 0;

  const handle = (event: MouseEvent) => {
    let type: string | null | undefined;
    let value: string | null | undefined;
    let itemId: string | null | undefined;
    let item: Element | undefined;
    let list: Element | undefined;
    // From the element clicked up, out of shadow roots too.
    for (const element of event.composedPath() as Element[]) {
      if (!itemId) {
        type ??= attribute(element, 'event');
        value ??= attribute(element, 'value');
        // A control with an event of its own on a product page is about the product.
        itemId = attribute(element, 'item') ?? (type && attribute(element, 'view'));
        item = element;
      }
      if (itemId && attribute(element, 'list') != null) {
        list ??= element;
      }
    }
    const what = `${type}${itemId}`;
    if (itemId && event.button < 2) {
      if (what !== last || event.timeStamp - lastAt > SAME_INTERACTION_MS) {
        onClick(itemId, item as Element, type || 'Click', value ? +value : undefined, list);
      }
      last = what;
      lastAt = event.timeStamp;
    }
  };

  bus._listen('click', handle);
  bus._listen('auxclick', handle);
};
