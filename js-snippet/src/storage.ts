import type { Env } from './env.js';
import { guard } from './guard.js';

/** Every name the snippet stores begins with this. */
const PREFIX = 'relay.';

/** Strings by name: localStorage where it works, memory for whatever it refuses. Never throws. */
export interface Store {
  _get(name: string): string | null;
  _set(name: string, value: string): void;
  _remove(name: string): void;
  /** Names that begin with `prefix`, sorted, without it. */
  _names(prefix: string): string[];
}

export const createStore = (env: Env): Store => {
  // What localStorage refused (sandboxed frame, private mode, quota) lives as long as the page.
  const memory = new Map<string, string>();
  return {
    _get: (name) =>
      memory.get(PREFIX + name) ?? guard(() => env._localStorage().getItem(PREFIX + name)) ?? null,
    _set(name, value) {
      memory.set(PREFIX + name, value);
      guard(() => {
        env._localStorage().setItem(PREFIX + name, value);
        memory.delete(PREFIX + name);
      });
    },
    _remove(name) {
      memory.delete(PREFIX + name);
      guard(() => env._localStorage().removeItem(PREFIX + name));
    },
    _names: (prefix) =>
      [...new Set([...(guard(() => Object.keys(env._localStorage())) ?? []), ...memory.keys()])]
        .filter((name) => name.startsWith(PREFIX + prefix))
        .map((name) => name.slice((PREFIX + prefix).length))
        .sort(),
  };
};
