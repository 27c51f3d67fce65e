import type { ObjectDirective } from 'vue';
import type { ListOptions, Tracker } from './index.js';
/**
 * The directive `v-relay-list="{ recommendationId, items, source }"` for the element around the items: tells which of
 * them the visitor sees, and, where items have `data-relay-item`, chooses. More items of the same recommendation are the
 * same list; another recommendation begins a new one.
 */
export declare const relayList: (tracker: Tracker) => ObjectDirective<HTMLElement, ListOptions>;
