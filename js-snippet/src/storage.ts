import type { Env } from './env.js';
import { guard } from './guard.js';

/** Every name the snippet stores begins with this. */
export const PREFIX = '_relay.';

/** Strings by name: in localStorage where it works, else in memory for as long as the page lives. Never throws. */
export interface Store {
  _get(name: string): string | undefined;
  /** The value read as JSON; nothing where there is none or it is not. */
  // biome-ignore lint/suspicious/noExplicitAny: what JSON.parse gives
  _parse(name: string): any;
  _set(name: string, value: string): void;
  _remove(name: string): void;
  /** What follows `prefix` in the names that begin with it, sorted. */
  _names(prefix: string): string[];
}

export const createStore = (env: Env): Store => {
  // Absent in sandboxed frames (it throws) and some web views (null). Names are properties: no method of it is needed.
  let box: Record<string, string> = guard(() => env.localStorage) ?? {};
  return {
    _get: (name) => box[PREFIX + name],
    _parse: (name) => guard(() => JSON.parse(box[PREFIX + name] as string)),
    _set(name, value) {
      try {
        box[PREFIX + name] = value;
      } catch {
        // The quota is used up: this page goes on in memory. What is stored already is sent again by the next one.
        box = { ...box, [PREFIX + name]: value };
      }
    },
    _remove(name) {
      delete box[PREFIX + name];
    },
    _names: (prefix) =>
      Object.keys(box)
        .filter((name) => name.startsWith(PREFIX + prefix))
        .map((name) => name.slice((PREFIX + prefix).length))
        .sort(),
  };
};
