import type { Env } from '../env.js';
import { guard } from '../guard.js';
import { stringify } from '../json.js';

/** Every name the snippet stores begins with this. */
export const PREFIX = '_relay.';

/**
 * Values by name, as JSON, in localStorage and in memory. A name is never removed while the snippet collects, so one
 * that is gone was cleared by the site, and what this page knew of it is put back. Never throws.
 */
export interface Store {
  /** Nothing where there is none, or what is there is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what JSON.parse gives
  _get(name: string): any;
  /** The same as a list: empty where there is nothing, of one where there is something else. */
  // biome-ignore lint/suspicious/noExplicitAny: what JSON.parse gives
  _list(name: string): any[];
  _set(name: string, value: unknown): void;
  /** Makes the list of this name of the events that 0.1.0 stored, each by a name of its own, where there is no such list. */
  _adopt(name: string): void;
  /** Forgets all, stored or not. */
  _clear(): void;
}

/** @param mayStore Asked at every change: nothing is stored once consent is withdrawn, by an answer still under way either. */
export const createStore = (env: Env, mayStore: () => unknown): Store => {
  const memory: Record<string, string> = {};
  // Absent in sandboxed frames (it throws) and some web views (null); what servers have is not the visitor's. Names are
  // properties: no method of it is needed.
  let box: Record<string, string> = (env.document && guard(() => env.localStorage)) ?? {};

  const get = (name: string) =>
    guard(() => {
      const stored = box[PREFIX + name];
      const text = stored ?? memory[name];
      if (text) {
        memory[name] = text;
        if (!stored) {
          // All of it: the next page is to know whose the events are, too.
          for (const one in memory) {
            box[PREFIX + one] ??= memory[one] as string;
          }
        }
        // Not left to JSON.parse to refuse: the first error of a page costs it a millisecond or two.
        return JSON.parse(text);
      }
    });
  const set = (name: string, value: unknown) => {
    if (mayStore()) {
      memory[name] = stringify(value);
      try {
        box[PREFIX + name] = memory[name];
      } catch {
        // The quota is used up: this page goes on in memory. What is stored already is sent again by the next one.
        box = {};
      }
    }
  };
  return {
    _get: get,
    _list: (name) => [].concat(get(name) ?? []),
    _set: set,
    _adopt(name) {
      if (!get(name)) {
        const old = Object.keys(box).filter((one) => one.startsWith('_relay.event.'));
        set(
          name,
          old.map((one) => guard(() => JSON.parse(box[one] as string))),
        );
        for (const one of old) {
          delete box[one];
        }
      }
    },
    _clear() {
      for (const held of [memory, box]) {
        for (const name in held) {
          // In memory all are ours; in storage those of earlier versions are, too.
          if (held === memory || name.startsWith(PREFIX)) {
            delete held[name];
          }
        }
      }
    },
  };
};
