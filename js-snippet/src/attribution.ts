import type { Env } from './env.js';
import type { EventFields } from './event.js';
import type { Store } from './storage.js';

const NAME = 'items';
/** Items remembered; the one clicked longest ago goes first. */
const MAX_ITEMS = 50;

type Memory = readonly [itemId: string, clickedAt: number, origin: EventFields];

/** Which recommendation led to an item, kept for its later cart and purchase events. */
export interface Attribution {
  _remember(itemId: string, origin: EventFields): void;
  /** Where the item was clicked within the time set; nothing when it was not. */
  _recall(itemId: string | undefined): EventFields | undefined;
  _forget(): void;
}

export const createAttribution = (env: Env, store: Store, keepMs: number): Attribution => {
  const memories = (): Memory[] =>
    (store._get(NAME) ?? []).filter(([, clickedAt]: Memory) => env.Date.now() - clickedAt < keepMs);
  return {
    _remember(itemId, origin) {
      const others = memories().filter(([id]) => id !== itemId);
      store._set(NAME, [...others, [itemId, env.Date.now(), origin]].slice(-MAX_ITEMS));
    },
    _recall: (itemId) => memories().find(([id]) => id === itemId)?.[2],
    _forget: () => store._remove(NAME),
  };
};
