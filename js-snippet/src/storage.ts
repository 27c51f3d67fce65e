import type { Env } from './env.js';
import { guard } from './guard.js';

/** Every name the snippet stores begins with this. */
export const PREFIX = '_relay.';

/** Values by name, as JSON: in localStorage where it works, else in memory for as long as the page lives. Never throws. */
export interface Store {
  /** Nothing where there is none, or what is there is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what JSON.parse gives
  _get(name: string): any;
  _set(name: string, value: unknown): void;
  _remove(name: string): void;
  /** What follows `prefix` in the names that begin with it, sorted. */
  _names(prefix: string): string[];
}

/** @param mayStore Asked at every change: nothing is stored once consent is withdrawn, by an answer still under way either. */
export const createStore = (env: Env, mayStore: () => boolean): Store => {
  // Absent in sandboxed frames (it throws) and some web views (null). Names are properties: no method of it is needed.
  let box: Record<string, string> = guard(() => env.localStorage) ?? {};
  return {
    _get: (name) =>
      guard(() => {
        const text = box[PREFIX + name];
        // Not left to JSON.parse to refuse: the first error of a page costs it a millisecond or two.
        return text && JSON.parse(text);
      }),
    _set(name, value) {
      const text = JSON.stringify(value);
      try {
        if (mayStore()) {
          box[PREFIX + name] = text;
        }
      } catch {
        // The quota is used up: this page goes on in memory. What is stored already is sent again by the next one.
        box = { ...box, [PREFIX + name]: text };
      }
    },
    _remove(name) {
      delete box[PREFIX + name];
    },
    _names: (prefix) =>
      Object.keys(box)
        .sort()
        .flatMap((name) => name.split(PREFIX + prefix)[1] ?? []),
  };
};
