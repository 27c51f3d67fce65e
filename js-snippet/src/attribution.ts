import type { Env } from './env.js';
import type { EventFields } from './event.js';
import type { Store } from './storage.js';

const NAME = 'items';
/** Items remembered; the one clicked longest ago goes first. */
const MAX_ITEMS = 50;

type Memory = readonly [itemId: string, clickedAt: number, origin: EventFields];

/** Which recommendation led to an item, kept for its later cart and purchase events. */
export interface Attribution {
  /** Remembers what an event says of its item; where it says nothing, what was remembered within the time set. */
  _originOf(event: EventFields): EventFields | undefined;
  _forget(): void;
}

export const createAttribution = (env: Env, store: Store, keepMs: number): Attribution => {
  const memories = (): Memory[] =>
    (store._get(NAME) ?? []).filter(([, clickedAt]: Memory) => env.Date.now() - clickedAt < keepMs);
  return {
    _originOf({ itemId, recommendationId, metricAttribution }) {
      let known = memories();
      if (itemId && (recommendationId || metricAttribution)) {
        known = known.filter(([id]) => id !== itemId).slice(1 - MAX_ITEMS);
        known.push([itemId, env.Date.now(), { recommendationId, metricAttribution }]);
        store._set(NAME, known);
      }
      return known.find(([id]) => id === itemId)?.[2];
    },
    _forget: () => store._remove(NAME),
  };
};
