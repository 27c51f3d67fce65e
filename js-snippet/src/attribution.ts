import type { Env } from './env.js';
import type { Origin } from './event.js';
import { guard } from './guard.js';
import type { Store } from './storage.js';

const NAME = 'items';
/** Items remembered; the one clicked longest ago goes first. */
const MAX_ITEMS = 50;

type Memory = readonly [itemId: string, clickedAt: number, origin: Origin];

/** Which recommendation led to an item, kept for its later cart and purchase events. */
export interface Attribution {
  _remember(itemId: string, origin: Origin): void;
  /** Where the item was clicked within the time set; nothing when it was not. */
  _recall(itemId: string): Origin | undefined;
  _forget(): void;
}

export const createAttribution = (env: Env, store: Store, keepMs: number): Attribution => {
  const memories = (): Memory[] =>
    (guard(() => JSON.parse(store._get(NAME) ?? '[]') as Memory[]) ?? []).filter(
      ([, clickedAt]) => env._now() - clickedAt < keepMs,
    );
  return {
    _remember(itemId, origin) {
      const others = memories().filter(([id]) => id !== itemId);
      store._set(NAME, JSON.stringify([...others, [itemId, env._now(), origin]].slice(-MAX_ITEMS)));
    },
    _recall: (itemId) => memories().find(([id]) => id === itemId)?.[2],
    _forget: () => store._remove(NAME),
  };
};
