import { type Attribution, createAttribution } from './attribution.js';
import { permission } from './consent.js';
import { createDelivery, type Delivery, type FlushResult } from './delivery.js';
import type { Env } from './env.js';
import { type EventFields, originFields } from './event.js';
import { guard } from './guard.js';
import { watchLifecycle, whenActivated } from './lifecycle.js';
import type { Options } from './options.js';
import { createOutbox, type LostReason, type Outbox } from './outbox.js';
import { createSession, type Session } from './session.js';
import { createStore } from './storage.js';
import { createTransport, type Rejection } from './transport.js';
import { createUser, type IdentityResult } from './user.js';

/** Calls kept while nothing may be collected yet. */
const MAX_CALLS = 200;
/** How long a page waits for another to make its session known, where there are no locks. */
const SETTLE_MS = 20;
/** Least time between two fetches of an identity token. */
const REFETCH_MS = 60_000;
/** The signed tokens of a relay; not the HTML of a login page. */
const TOKEN = /^[\w.-]{20,2048}$/;

/** What `on` can listen to, and what is handed over. */
export interface Topics {
  /** A relay has taken a beacon. */
  sent: { events: number; accepted: number; identity: IdentityResult };
  /** A relay has refused one event. */
  rejected: Rejection;
  /** Events were given up. */
  lost: { reason: LostReason; events: number };
  /** A session began, or the page joined one: its id. */
  session: string;
}

export type Listener<T extends keyof Topics> = (data: Topics[T]) => void;

/** The object the page talks to. No method throws, whatever the browser does. */
export interface Tracker {
  /** Records something the visitor did: `event('Purchase', {itemId: 'p1', eventValue: 19.9})`. */
  event(type: string, fields?: EventFields): void;
  /** The visitor has logged in, with the identity token of the site's backend; or logged out, with null. */
  user(identityToken: string | null): void;
  /** Begins, or ends and clears what is stored. */
  consent(isGiven: boolean): void;
  /** Hands over the session id, once there is one. */
  session(callback: (id: string) => void): void;
  /** Sends what waits. */
  flush(callback?: (result: FlushResult) => void): void;
  /** Listens; returns the undo. */
  on<T extends keyof Topics>(topic: T, listener: Listener<T>): () => void;
}

/** Something that watches the page from the moment collecting begins; ends with the function it returns. */
export interface Watcher {
  _hide?(): void;
  _show?(): void;
  _restore?(): void;
  _stop(): void;
}

/** The tracker as its own modules see it. */
export interface Core extends Tracker {
  _env: Env;
  /** A call by name, as queued: `at` is when it was made. */
  _call(at: number, args: ArrayLike<unknown>): void;
  /** Records an event now, origin remembered or given. */
  _record(type: string, fields: EventFields, at?: number): void;
  _attribution: Attribution;
  /** Starts the watcher when collecting starts, and again after consent was withdrawn and given. */
  _watch(start: () => Watcher): void;
  _debug(topic: string, data: unknown): void;
}

export const createCore = (options: Options, env: Env): Core => {
  const listeners: { [T in keyof Topics]?: Listener<T>[] } = {};
  const debug = (topic: string, data: unknown) => {
    if (options.debug) {
      env._log(topic, data);
    }
  };
  const failed = (error: unknown) => debug('error', error);
  const emit = <T extends keyof Topics>(topic: T, data: Topics[T]) => {
    debug(topic, data);
    for (const listener of listeners[topic] ?? []) {
      guard(() => listener(data), failed);
    }
  };

  const allowed = permission(env, options);
  const store = createStore(env);
  const attribution = createAttribution(env, store, (options.attributionMinutes ?? 1440) * 60_000);
  const session: Session = createSession(
    env,
    store,
    (options.sessionMinutes ?? 30) * 60_000,
    (id, before, why) => {
      if (why === 'idle') {
        user._carryOver(before, id);
      }
      if (why) {
        store._remove('seq');
      }
      emit('session', id);
    },
  );
  const user = createUser(store, session);
  const sessionId = () => options.sessionId ?? session._id();

  let outbox: Outbox;
  let delivery: Delivery;
  let watchers: Watcher[] = [];
  const starts: (() => Watcher)[] = [];
  let calls: [at: number, args: ArrayLike<unknown>][] = [];
  let state: 'waiting' | 'starting' | 'running' = 'waiting';
  let isConsentGiven = options.consent !== 'required';
  let isActive = false;
  let unwatch: (() => void) | undefined;
  let refetchAt = 0;

  const isSameSite = () => {
    const host = guard(() => new URL(options.endpoint).hostname);
    const domain = session._domain() || env._hostname;
    return !!host && (host === domain || host.endsWith(`.${domain}`));
  };

  const refetchIdentity = () => {
    if (options.identityUrl && env._now() >= refetchAt) {
      refetchAt = env._now() + REFETCH_MS;
      env
        ._fetch(options.identityUrl, { credentials: 'include' })
        .then((response) => (response.ok ? response.text() : ''))
        .then((text) => {
          verbs.user(text[0] === '{' ? JSON.parse(text).identity : text.trim());
        })
        .catch(failed);
    }
  };

  const heardOfIdentity = (ofSession: string, result: IdentityResult, token?: string) => {
    if (result === 'expired') {
      refetchIdentity();
    }
    // Another user's session: this one begins a new session, and its token goes along.
    if (result === 'conflict' && ofSession === sessionId()) {
      const fresh = session._renew('ended');
      if (token) {
        user._login(token);
      }
      debug('conflict', fresh);
      delivery._flush();
    }
  };

  const record = (type: string, fields: EventFields, at = env._now()) => {
    const { itemId } = fields;
    const origin = itemId && !fields.recommendationId && attribution._recall(itemId);
    const event = {
      eventId: outbox._newEventId(),
      eventType: type,
      sentAt: at,
      ...(origin && originFields(origin)),
      ...fields,
    };
    debug('event', event);
    guard(
      () => outbox._add(sessionId(), event),
      (error) => {
        outbox._count('bad_event', 1);
        failed(error);
      },
    );
    delivery._schedule();
  };

  const forget = () => {
    unwatch?.();
    for (const watcher of watchers) {
      watcher._stop();
    }
    watchers = [];
    calls = [];
    outbox?._clear();
    user._tidy(() => false);
    attribution._forget();
    store._remove('seq');
    store._remove('retry');
    session._forget();
    state = 'waiting';
  };

  const run = () => {
    if (state !== 'starting') {
      return;
    }
    state = 'running';
    outbox = createOutbox(env, store, (reason, events) => emit('lost', { reason, events }));
    delivery = createDelivery(
      env,
      store,
      {
        _token: options.token,
        _flushMs: options.flushMs ?? 5000,
        _flushSize: options.flushSize ?? 10,
      },
      outbox,
      user,
      createTransport(env, options.endpoint, isSameSite),
      {
        _onSent: (events, { accepted, identity }) => emit('sent', { events, accepted, identity }),
        _onRejected: (rejection) => emit('rejected', rejection),
        _onIdentity: heardOfIdentity,
      },
    );
    sessionId();
    for (const start of starts) {
      guard(() => watchers.push(start()), failed);
    }
    const waited = calls;
    calls = [];
    for (const [at, args] of waited) {
      call(at, args);
    }
  };

  /** Two pages that open at once must not make two sessions. */
  const settleSession = (ready: () => void) => {
    const locks = guard(() => env._locks());
    if (options.sessionId || !env._document || session._peek()) {
      ready();
    } else if (locks) {
      locks.request('relay.session', ready).catch(ready);
    } else {
      session._id();
      env._later(ready, SETTLE_MS);
    }
  };

  const start = () => {
    if (allowed === 'nothing' || !isConsentGiven || !isActive || state !== 'waiting') {
      return;
    }
    state = 'starting';
    unwatch = watchLifecycle(env, {
      _hide() {
        run(); // Whatever it waits for, there is no more time.
        for (const watcher of watchers) {
          watcher._hide?.();
        }
        delivery._hide();
      },
      _show() {
        delivery._show();
        for (const watcher of watchers) {
          watcher._show?.();
        }
      },
      _restore() {
        for (const watcher of watchers) {
          watcher._restore?.();
        }
      },
      _online: () => delivery._flush(),
    });
    settleSession(run);
  };

  const verbs = {
    event(type: string, fields: EventFields = {}, at?: number) {
      record(type, fields, at);
    },
    user(token: string | null) {
      if (allowed === 'anonymous') {
        return;
      }
      if (token === null) {
        delivery._flush();
        attribution._forget();
        session._renew('ended');
      } else if (TOKEN.test(token)) {
        user._login(token);
        delivery._flush();
      }
    },
    session(callback: (id: string) => void) {
      callback(sessionId());
    },
    flush(callback?: (result: FlushResult) => void) {
      delivery._flush().then((result) => guard(() => callback?.(result), failed));
    },
  };

  const consent = (isGiven: boolean) => {
    isConsentGiven = isGiven;
    if (isGiven) {
      start();
    } else {
      forget();
    }
  };

  const on = <T extends keyof Topics>(topic: T, listener: Listener<T>) => {
    const all: Listener<T>[] = (listeners[topic] ??= []);
    all.push(listener);
    return () => {
      all.splice(all.indexOf(listener), 1);
    };
  };

  const call = (at: number, args: ArrayLike<unknown>) =>
    guard(() => {
      const [verb, first, second] = args as unknown as [string, never, never];
      if (verb === 'consent') {
        consent(first);
      } else if (verb === 'on') {
        on(first, second);
      } else if (state === 'running') {
        verbs[verb as keyof typeof verbs](first, second, at);
      } else if (allowed !== 'nothing' && calls.length < MAX_CALLS) {
        calls.push([at, args]);
      }
    }, failed);

  const say =
    (verb: string) =>
    (...args: unknown[]) =>
      call(env._now(), [verb, ...args]);

  whenActivated(env, () => {
    isActive = true;
    start();
  });

  return {
    event: say('event'),
    user: say('user'),
    consent: say('consent'),
    session: say('session'),
    flush: say('flush'),
    on,
    _env: env,
    _call: call,
    _record: record,
    _attribution: attribution,
    _watch(begin) {
      starts.push(begin);
      if (state === 'running') {
        watchers.push(begin());
      }
    },
    _debug: debug,
  };
};
