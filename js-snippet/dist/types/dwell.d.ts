import type { Bus } from './bus.js';
import type { Env } from './env.js';
type OnSeen = (element: Element) => void;
/** Tells when elements have been looked at long enough. One IntersectionObserver for all of them. */
export interface Dwell {
    /** Calls `onSeen` each time the element has been half visible for a second of a visible page. */
    _watch(element: Element, onSeen: OnSeen): void;
    _unwatch(element: Element): void;
}
export declare const createDwell: (env: Env, bus: Bus) => Dwell;
export {};
