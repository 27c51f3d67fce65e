import type { Env } from './env.js';
/** What happens to a page as a whole. */
export interface PageMoments {
    /** It is being hidden, perhaps for good: the last moment to send anything, synchronously. */
    _hide(): void;
    _show(): void;
    /** It came back out of the back/forward cache, as if opened anew. */
    _restore(): void;
    _online(): void;
}
/** Calls `begin` once the page is really shown: a prerendered page may never be. */
export declare const whenActivated: (env: Env, begin: () => void) => void;
/** Watches a page; returns the undo. Never `unload` or `beforeunload`: they spoil the back/forward cache. */
export declare const watchLifecycle: (env: Env, moments: PageMoments) => (() => void);
