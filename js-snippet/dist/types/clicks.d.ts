import type { Env } from './env.js';
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
/**
 * One listener for every item there is or will be. A keyboard's Enter arrives as a click, a middle click as auxclick; it
 * listens in the capture phase, so a page that stops the event further down is heard too, and passively.
 *
 * @returns The undo.
 */
export declare const watchClicks: (env: Env, onClick: (click: ItemClick) => void) => (() => void);
