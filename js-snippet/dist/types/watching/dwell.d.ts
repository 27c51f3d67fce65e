import type { Bus } from '../bus.js';
import type { Env } from '../env.js';
/** Tells when elements have been looked at long enough. One IntersectionObserver for all of them. */
export interface Dwell {
    /**
     * Emits `seen` each time the element has been half visible for a second of a visible page. Again changes nothing.
     * Never throws.
     */
    _watch(element: Element): void;
    _unwatch(element: Element): void;
}
export declare const createDwell: (env: Env, bus: Bus) => Dwell;
