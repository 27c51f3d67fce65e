import { type RefCallback } from 'react';
import type { List, ListOptions, Tracker } from './index.js';
/** What a component needs of its list. */
export interface RelayList<T extends Element> {
    /** For the element around the items. */
    ref: RefCallback<T>;
    /** For the `onClick` of an item: `click(itemId)`. */
    click: List['click'];
}
/**
 * Tells which items of a list the visitor sees and chooses:
 * `const { ref, click } = useRelayList(tracker, { recommendationId, items, source })`.
 * Another recommendation, or other items, begin a new list.
 */
export declare const useRelayList: <T extends Element = HTMLElement>(tracker: Tracker, options: ListOptions) => RelayList<T>;
