import type { Env } from './env.js';
import type { EventFields } from './event.js';
import type { Store } from './storage.js';
/** Which recommendation led to an item, kept for its later cart and purchase events. */
export interface Attribution {
    _remember(itemId: string, origin: EventFields): void;
    /** Where the item was clicked within the time set; nothing when it was not. */
    _recall(itemId: string | undefined): EventFields | undefined;
    _forget(): void;
}
export declare const createAttribution: (env: Env, store: Store, keepMs: number) => Attribution;
