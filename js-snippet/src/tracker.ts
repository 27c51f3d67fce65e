import { type Bus, createBus } from './bus.js';
import { type Env, randomId } from './env.js';
import { type EventFields, usable } from './event.js';
import { guard } from './guard.js';
import type { RawOptions } from './options.js';
import { createDelivery, type FlushResult } from './sending/delivery.js';
import { watchLifecycle } from './sending/lifecycle.js';
import { createOutbox } from './sending/outbox.js';
import { createAttribution } from './visitor/attribution.js';
import { isPrivate, mayCollect } from './visitor/consent.js';
import { createCookies } from './visitor/cookie.js';
import { createSession } from './visitor/session.js';
import { createStore } from './visitor/storage.js';
import { createUser } from './visitor/user.js';
import { createDwell, type Dwell } from './watching/dwell.js';
import type { Impression } from './watching/impressions.js';

/** Calls kept while nothing may be collected yet. */
const MAX_CALLS = 200;
/** Between making a session and using it: another page may have made one at the same moment. */
const SETTLE_MS = 20;
const MINUTE_MS = 60_000;
/** What a relay signs, and a site's own JWTs as long as a relay takes them; not the HTML of a login page. */
const TOKEN = /^[\w.-]{20,8192}$/;

/** What a page called, and when, as the stub queues it. */
export type Call = [at: number, args: ArrayLike<unknown>];

/** One tracker as its own modules see it. */
export interface Core {
  _env: Env;
  _bus: Bus;
  /** Absent outside a browser. */
  _dwell: Dwell | undefined;
  /** Records an event that happened now, or `at`; nothing while collecting is not allowed. */
  _record(type: string, fields: EventFields, at?: number): void;
  /** Records what of a list was seen and no event has carried yet, where the site wants that. */
  _tell(impression: Impression<never> | undefined): void;
  /** A call by name, with its time; kept until collecting begins. */
  _call(call: Call): unknown;
}

export const createCore = (env: Env, options: RawOptions): Core => {
  const isAnonymous = isPrivate(env, options);
  const isCollectable = mayCollect(env, options, isAnonymous);
  const bus = createBus(
    env,
    options.debug != null ? (topic, data) => guard(() => env.console.log('[relay]', topic, data)) : undefined,
  );
  /** Undefined until the page has said something, where it has to. */
  let consent: boolean | undefined = options.consent ? undefined : true;
  const store = createStore(env, () => consent);
  const cookies = createCookies(env);
  const user = createUser(env, store);
  const outbox = createOutbox(store, bus);
  const attribution = createAttribution(env, store, cookies, +(options.attributionMinutes ?? 1440) * MINUTE_MS);
  const session = createSession(env, store, cookies, bus, user, +(options.sessionMinutes ?? 30) * MINUTE_MS);
  const current = (): readonly [id: string, who?: number, number?: number] =>
    options.sessionId ? [options.sessionId] : session._now();

  let isRunning = false;
  let calls: Call[] = [];
  /** Events made, of fixed width. */
  let made = 10_000;
  let refetchAt = 0;
  /** Least time until the next fetch of an identity token: doubled by each, until a relay has taken one. */
  let refetchMs = MINUTE_MS;
  const logIn = (token: string) => {
    if (!isAnonymous && TOKEN.test(token)) {
      if (options.sessionId) {
        user._say(options.sessionId, token);
      } else {
        session._logIn(token);
      }
      delivery._flush();
    }
  };

  /** How often the page has said who its user is. */
  let saidUser = 0;
  const refetchIdentity = bus._enter(async (ofSession: string) => {
    if (options.identityUrl && isRunning && env.Date.now() >= refetchAt) {
      refetchAt = env.Date.now() + refetchMs;
      refetchMs *= 2;
      const before = saidUser;
      const response = await env.fetch(options.identityUrl, { credentials: 'include' });
      const text = await response.text();
      // Not in place of what the page has said itself meanwhile, nor after a logout, or without consent.
      if (before === saidUser && isRunning && ofSession === current()[0]) {
        logIn(guard(() => JSON.parse(text).identity) ?? text.trim());
      }
    }
  });

  const onAnswer = (sessionId: string, identity: string, result: string) => {
    const isRefused = user._answered(sessionId, identity, result);
    if (isRefused) {
      session._refused(sessionId, identity);
    }
    if (result === 'ok') {
      refetchMs = MINUTE_MS;
      session._proven(identity);
    }
    if (/exp|mis/.test(result)) {
      refetchIdentity(sessionId);
    }
    if (result === 'conflict' && isRunning && !options.sessionId) {
      session._conflict(sessionId, identity);
    }
  };
  const delivery = createDelivery(env, store, bus, options, outbox, user, onAnswer);

  const record = (type: string, fields: EventFields = {}, at = env.Date.now()) => {
    if (isRunning) {
      const given = usable(fields, bus._say);
      const [id, , number] = current();
      const event = {
        // Events are kept in the order of their ids: time and count first.
        eventId: `${env.Date.now()}${made++}${randomId(env)}`,
        eventType: type,
        sentAt: at,
        ...given,
        ...attribution._originOf(given),
      };
      bus._emit('event', event);
      outbox._add([id, event, number ?? 0]);
      delivery._schedule();
    }
  };

  /** Ends collecting, and clears what is stored and what this page holds. */
  const stop = () => {
    consent = isRunning = false;
    calls = [];
    store._clear();
    session._forget();
    user._forget();
    cookies._set('items');
    bus._emit('stop', outbox._forget());
  };

  const verbs: { [verb: string]: (...args: never[]) => unknown } = {
    event: record,
    user(token: string | null) {
      saidUser++;
      if (token) {
        logIn(token);
      } else if (token === null && !options.sessionId) {
        const [id, who] = session._now();
        if (who || user._last(id)) {
          delivery._flush();
          attribution._forget();
          session._logOut();
        }
      }
    },
    session(callback: (id: string) => void) {
      callback(current()[0]);
    },
    flush: (callback?: (result: FlushResult) => void) => delivery._flush().then(callback),
    consent(isGiven: boolean) {
      if (isGiven) {
        consent = true;
        begin();
      } else if (isGiven === false) {
        stop();
        channel?.postMessage(0);
      }
    },
    on: bus._on as never,
  };

  const call = bus._enter((queued: Call) => {
    const [at, [verb, first, second]] = queued as unknown as [never, [string, never, never]];
    if (isRunning || verb === 'on' || verb === 'consent') {
      return verbs[verb]?.(first, second, at);
    }
    if (isCollectable && consent !== false && calls.length < MAX_CALLS) {
      calls.push(queued);
    }
    return undefined;
  });

  // A prerendered page may never be shown.
  const mayRun = () => isCollectable && consent && !isRunning && !env.document?.prerendering;

  const run = () => {
    if (mayRun()) {
      isRunning = true;
      outbox._adopt();
      user._keep([current()[0], ...outbox._entries().map(([id]) => id)]);
      delivery._start();
      // What the page called before was before: the view of the page after a logout is nobody's.
      calls.splice(0).forEach(call);
      bus._emit('start');
    }
  };

  /** Two pages that open at once both write a session, then both read what was written last. */
  const begin = () => {
    if (mayRun()) {
      current();
      if (env.document) {
        bus._later(run, SETTLE_MS);
      } else {
        run();
      }
    }
  };

  // Whatever it still waits for: at hide there is no more time.
  bus._listen('prerenderingchange', begin);
  bus._on('hide', run);
  // Consent withdrawn in one tab is withdrawn in all.
  const channel = env.document && guard(() => new env.BroadcastChannel('_relay'));
  if (channel) {
    channel.onmessage = bus._enter(stop);
  }
  watchLifecycle(env, bus);
  const dwell = env.document && createDwell(env, bus);
  begin();

  return {
    _env: env,
    _bus: bus,
    _dwell: dwell,
    _record: record,
    _tell(impression) {
      const untold = impression?._take(true);
      if (options.impressions != null && untold?.[0]) {
        record('Impression', { ...impression?._origin, impression: untold });
      }
    },
    _call: call,
  };
};
