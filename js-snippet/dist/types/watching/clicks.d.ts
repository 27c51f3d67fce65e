import type { Bus } from '../bus.js';
/**
 * A click on an item, or on a control of it.
 *
 * @param type `data-relay-event`, else `Click`.
 * @param value `data-relay-value`.
 * @param list The `data-relay-list` around it.
 */
export type OnClick = (itemId: string, item: Element, type: string, value: string | null | undefined, list: Element | undefined) => void;
/** What a list that counts its clicks itself is marked with. */
export declare const COUNTS_ITSELF = "relayList";
/** One listener for all items there are or will be. A keyboard's Enter arrives as a click, a middle click as auxclick. */
export declare const watchClicks: (bus: Bus, onClick: OnClick) => void;
