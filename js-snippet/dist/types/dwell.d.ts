import type { Env } from './env.js';
/** Tells when elements have been looked at long enough. One IntersectionObserver for all of them. */
export interface Dwell {
    _watch(element: Element): void;
    _unwatch(element: Element): void;
    /** The page is hidden: whatever was being looked at begins anew with `_resume`. */
    _pause(): void;
    _resume(): void;
}
/** @param onSeen Called once each time an element has been half visible for a second of a visible page. */
export declare const createDwell: (env: Env, onSeen: (element: Element) => void) => Dwell | undefined;
