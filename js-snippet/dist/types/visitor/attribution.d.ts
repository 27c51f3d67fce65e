import type { Env } from '../env.js';
import { type EventFields } from '../event.js';
import type { Cookies } from './cookie.js';
import type { Store } from './storage.js';
/** Which recommendation led to an item, kept for its later cart and purchase events. */
export interface Attribution {
    /** Remembers what an event says of its item; where it says nothing, what was remembered within the time set. */
    _originOf(event: EventFields): EventFields | undefined;
    _forget(): void;
}
/** Each item is `<id>/<clicked at>/<recommendation id>/<source>`, the newest first; in the cookie joined by `|`. */
export declare const createAttribution: (env: Env, store: Store, cookies: Cookies, keepMs: number) => Attribution;
