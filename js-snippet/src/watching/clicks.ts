import type { Bus } from '../bus.js';
import { attribute } from './attribute.js';

/** Two clicks on one item within this time are one interaction: a double click, or a label and its input. */
const SAME_INTERACTION_MS = 500;
/** A control with an event of its own counts every press; a label's click on its input comes within this time. */
const SAME_PRESS_MS = 50;
/** A pointer that went farther between down and up was dragging. Carousels begin to move at 5 to 10. */
const DRAG_PX = 10;

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
  value: string | null | undefined,
  list: Element | undefined,
) => void;

/** Where a pointer is, in the window. */
type Point = Pick<Touch, 'clientX' | 'clientY'>;

/** What a list that counts its clicks itself is marked with. */
export const COUNTS_ITSELF = 'relayList';

/** One listener for all items there are or will be. A keyboard's Enter arrives as a click, a middle click as auxclick. */
export const watchClicks = (bus: Bus, onClick: OnClick): void => {
  let last: string | undefined;
  let lastAt = 0;
  let down: Point | undefined;
  /** The last touch that ended, until it has become a click, and the elements it was on. */
  let touch: TouchEvent | undefined;
  let touched: Element[];

  /** Text is selected that way, too. */
  const isDrag = (point: Point) =>
    down && Math.abs(point.clientX - down.clientX) + Math.abs(point.clientY - down.clientY) > DRAG_PX;

  const handle = (event: Event, path: Element[], point?: Point) => {
    let type: string | null | undefined;
    let value: string | null | undefined;
    let itemId: string | null | undefined;
    let item: Element | undefined;
    let list: Element | undefined;
    let isCounted: unknown;
    touch = undefined;
    // A slider is moved by a click on it, too.
    if ((path[0] as HTMLInputElement).type === 'range') {
      return;
    }
    // From the element clicked up, out of shadow roots too.
    for (const element of path) {
      if (attribute(element, 'ignore') != null) {
        return;
      }
      isCounted ||= (element as { [COUNTS_ITSELF]?: unknown })[COUNTS_ITSELF];
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
    if (!itemId || (isCounted && !type) || (point && isDrag(point))) {
      return;
    }
    const what = `${type}${itemId}`;
    if (what !== last || event.timeStamp - lastAt > (type ? SAME_PRESS_MS : SAME_INTERACTION_MS)) {
      onClick(itemId, item as Element, type || 'Click', value, list);
    }
    last = what;
    lastAt = event.timeStamp;
  };

  const onPointer = (event: MouseEvent) => {
    if (event.button < 2) {
      // A click by keyboard or script has no count, and no place.
      handle(event, event.composedPath() as Element[], event.isTrusted && event.detail ? event : undefined);
    }
  };
  /** A tap that the page keeps from becoming a click, most likely to go elsewhere by itself. */
  const onTap = () => {
    if (touch?.defaultPrevented) {
      handle(touch, touched, touch.changedTouches[0]);
    }
  };

  bus._listen('pointerdown', (event: PointerEvent) => {
    down = event;
  });
  bus._listen('click', onPointer);
  bus._listen('auxclick', onPointer);
  bus._on('hide', onTap);
  bus._listen('touchend', (event: TouchEvent) => {
    touch = event;
    // It has no path any more once everybody has heard it.
    touched = event.composedPath() as Element[];
    bus._later(onTap, 0);
  });
};
