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
 * More items of the same recommendation are the same list; another recommendation begins a new one.
 */
export declare const useRelayList: <T extends Element = HTMLElement>(tracker: Tracker, options: ListOptions) => RelayList<T>;
