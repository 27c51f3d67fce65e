import type { Core } from '../tracker.js';
/** A list of recommendations, as the page got it. */
export interface ListOptions {
    recommendationId?: string | undefined;
    /** Item ids in order of position. */
    items: readonly string[];
    /** Place on the site, for metric attribution: `home-top`. */
    source?: string | undefined;
}
/** What the visitor sees of a list and does with it. No method throws, whatever the page and the browser do. */
export interface List {
    /**
     * Watches which items are really seen: the elements inside that have `data-relay-item`, or without any
     * the element's children, in the order of `items`. Those that come later, too.
     */
    observe(element: Element): void;
    /** The list has grown, or changed: what was seen of it stays. */
    update(items: readonly string[]): void;
    /** The visitor chose this item: a `Click`, or the event named, with what was seen of the list. */
    click(itemId: string, type?: string): void;
    /** Ends watching; `observe` begins again. */
    stop(): void;
}
export declare const createList: (core: Core, options: ListOptions) => List;
/** A list, and what it was made for. */
export interface Followed {
    list: List;
    options: ListOptions;
}
/**
 * The list of a component that is drawn again: the same one as long as it is the same recommendation, or, without one,
 * as long as items are only added.
 */
export declare const follow: (create: (options: ListOptions) => List, before: Followed | undefined, now: ListOptions) => Followed;
