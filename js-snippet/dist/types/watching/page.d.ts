import type { Core } from '../tracker.js';
/** Collects what the `data-relay-*` attributes of a page say: views, clicks, and the items of each list really seen. */
export declare const watchPage: (core: Core) => void;
