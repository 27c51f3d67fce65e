import type { Bus } from './bus.js';
import type { Env } from './env.js';
/** Tells when elements have been looked at long enough. One IntersectionObserver for all of them. */
export interface Dwell {
    _watch(element: Element): void;
    _unwatch(element: Element): void;
}
/** @param onSeen Called each time an element has been half visible for a second of a visible page. */
export declare const createDwell: (env: Env, bus: Bus, onSeen: (element: Element) => void) => Dwell;
