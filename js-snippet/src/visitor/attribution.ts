import type { Env } from '../env.js';
import { type EventFields, originFields } from '../event.js';
import { guard } from '../guard.js';
import type { Cookies } from './cookie.js';
import type { Store } from './storage.js';

const NAME = 'items';
/** Items remembered; the one clicked longest ago goes first. */
const MAX_ITEMS = 50;
/** Of them, those the site's other subdomains hear of: at most so many, in so many bytes of a cookie, name and all. */
const MAX_SHARED = 5;
const MAX_COOKIE_BYTES = 512 - '_relay.items='.length;

/** Which recommendation led to an item, kept for its later cart and purchase events. */
export interface Attribution {
  /** Remembers what an event says of its item; where it says nothing, what was remembered within the time set. */
  _originOf(event: EventFields): EventFields | undefined;
  _forget(): void;
}

/** Each item is `<id>/<clicked at>/<recommendation id>/<source>`, the newest first; in the cookie joined by `|`. */
export const createAttribution = (env: Env, store: Store, cookies: Cookies, keepMs: number): Attribution => ({
  _originOf({ itemId, recommendationId, metricAttribution }) {
    const known = new Set<string>(cookies._get(NAME).split('|').concat(store._list(NAME)));
    const start = `${encodeURIComponent(itemId as string)}/`;
    const isIt = (one: string) => `${one}`.startsWith(start);
    if (recommendationId || metricAttribution) {
      if (itemId) {
        const parts = [itemId, env.Date.now(), recommendationId ?? '', metricAttribution?.eventAttributionSource ?? ''];
        const items = [parts.map(encodeURIComponent as never).join('/')]
          .concat([...known].filter((one) => one && !isIt(one)))
          .slice(0, MAX_ITEMS);
        store._set(NAME, items);
        let room = MAX_COOKIE_BYTES;
        const fits = (one: string) => {
          room -= one.length + 1;
          return room >= 0;
        };
        cookies._set(NAME, items.slice(0, MAX_SHARED).filter(fits).join('|'));
      }
      return undefined;
    }
    const [, at, id, source] = guard(() => [...known].find(isIt)?.split('/').map(decodeURIComponent)) ?? [];
    return env.Date.now() - +(at as string) < keepMs ? originFields(id, source) : undefined;
  },
  _forget() {
    store._set(NAME, []);
    cookies._set(NAME);
  },
});
