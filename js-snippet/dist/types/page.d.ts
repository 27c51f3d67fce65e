import type { Tracker } from './tracker.js';
/**
 * Collects what the `data-relay-*` attributes of a page say: views, clicks, and the items of each list really seen.
 *
 * @param sendImpressions Send what was seen and not clicked as `Impression` events when the page hides.
 */
export declare const watchPage: (tracker: Tracker, sendImpressions?: boolean) => void;
