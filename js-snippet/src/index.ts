import type { Listener, Topics } from './bus.js';
import { type Env, platform } from './env.js';
import type { EventFields } from './event.js';
import { guard } from './guard.js';
import type { Options } from './options.js';
import type { FlushResult } from './sending/delivery.js';
import { type Core, createCore } from './tracker.js';
import { createList, type List, type ListOptions } from './watching/list.js';
import { watchPage as watch } from './watching/page.js';

export type { Dropped, IdentityResult, Loss, LostReason, Rejection } from './sending/answer.js';
export type { EventFields, FlushResult, List, Listener, ListOptions, Options, Topics };

/** The object the page talks to. No method throws, whatever the browser does. */
export interface Tracker {
  /** Records something the visitor did: `event('Purchase', {itemId: 'p1', eventValue: 19.9})`. */
  event(type: string, fields?: EventFields): void;
  /** The visitor has logged in, with the identity token of the site's backend; or logged out, with null. */
  user(identityToken: string | null): void;
  /** Begins to collect; or ends, and clears what is stored. */
  consent(isGiven: boolean): void;
  /** Hands over the session id, once there is one. */
  session(callback: (id: string) => void): void;
  /** Sends what waits. */
  flush(callback?: (result: FlushResult) => void): void;
  /** Listens; returns the undo. */
  on<T extends keyof Topics>(topic: T, listener: Listener<Topics[T]>): () => void;
  /** A list of recommendations shown to the visitor. */
  list(options: ListOptions): List;
}

/** Node before 21 has no navigator; its `crypto` insists on the global object. */
const env: Env =
  'navigator' in (platform as object) // not read: a page may have made that throw
    ? platform
    : Object.create(platform, { navigator: { value: {} }, crypto: { value: platform.crypto } });

/** For where none can be made. */
const NO_LIST: List = { observe() {}, update() {}, click() {}, stop() {} };

const cores = new WeakMap<Tracker, Core>();

/**
 * A tracker. In a browser it keeps session and unsent events as the script tag does; elsewhere (server, edge) give it a
 * `sessionId`, and wait for `flush` before the request ends.
 *
 * @throws Error without a `sessionId` where there is no browser.
 */
export const createTracker = (options: Options): Tracker => {
  if (!options.sessionId && !guard(() => env.document)) {
    throw new Error(
      'createTracker: outside a browser sessionId is needed. All requests of a server would share one session, and its ' +
        "user; make a tracker for each visitor, with the visitor's session id.",
    );
  }
  // None where the browser does not even let itself be asked whether anything may be collected.
  const core = guard(() =>
    createCore(env, {
      ...options,
      debug: options.debug || undefined,
      impressions: options.impressions || undefined,
    }),
  );
  const say =
    (verb: string) =>
    (...args: unknown[]): void =>
      void guard(() => core?._call([platform.Date.now(), [verb, ...args]]));
  const tracker: Tracker = {
    event: say('event'),
    user: say('user'),
    consent: say('consent'),
    session: say('session'),
    flush: say('flush'),
    on(topic, listener) {
      const listeners = guard(() => core?._bus._on(topic, listener));
      return () => void listeners?.delete(listener);
    },
    list: (listOptions) => guard(() => createList(core as Core, listOptions)) ?? NO_LIST,
  };
  if (core) {
    cores.set(tracker, core);
  }
  return tracker;
};

/** Collects what the `data-relay-*` attributes of the page say, as the script tag does. */
export const watchPage = (tracker: Tracker): void => {
  const core = cores.get(tracker);
  guard(() => core?._env.document && watch(core));
};
