// src/env.ts
var platformEnv = () => {
  const world = globalThis;
  const { document, location } = world;
  const navigator = world.navigator ?? {};
  return {
    _now: () => Date.now(),
    _random: () => Math.random(),
    // Not randomUUID: plain http pages do not have it.
    _randomId: () => Array.from(
      crypto.getRandomValues(new Uint8Array(16)),
      (byte) => (byte + 256).toString(16).slice(1)
    ).join(""),
    _later: (work, ms) => {
      const timer = setTimeout(work, ms);
      return () => clearTimeout(timer);
    },
    _log: (topic, data) => console.log("[relay]", topic, data),
    _fetch: (url, init) => world.fetch(url, init),
    _sendBeacon: (url, body) => navigator.sendBeacon(url, body),
    _isOnline: () => navigator.onLine !== false,
    _locks: () => navigator.locks,
    _localStorage: () => localStorage,
    _readCookies: () => document.cookie,
    _writeCookie: (cookie) => {
      document.cookie = cookie;
    },
    _hostname: location?.hostname ?? "",
    _isHttps: location?.protocol === "https:",
    _document: document,
    _window: document && world,
    _navigator: navigator
  };
};

// src/guard.ts
var guard = (work, failed) => {
  try {
    return work();
  } catch (error) {
    failed?.(error);
    return void 0;
  }
};

// src/attribution.ts
var NAME = "items";
var MAX_ITEMS = 50;
var createAttribution = (env, store, keepMs) => {
  const memories = () => (guard(() => JSON.parse(store._get(NAME) ?? "[]")) ?? []).filter(
    ([, clickedAt]) => env._now() - clickedAt < keepMs
  );
  return {
    _remember(itemId, origin) {
      const others = memories().filter(([id]) => id !== itemId);
      store._set(NAME, JSON.stringify([...others, [itemId, env._now(), origin]].slice(-MAX_ITEMS)));
    },
    _recall: (itemId) => memories().find(([id]) => id === itemId)?.[2],
    _forget: () => store._remove(NAME)
  };
};

// src/consent.ts
var permission = (env, options) => {
  const { webdriver, globalPrivacyControl } = env._navigator;
  if (webdriver && !options.debug) {
    return "nothing";
  }
  const gpc = options.gpc ?? "off";
  if (!globalPrivacyControl || gpc === "ignore") {
    return "all";
  }
  return gpc === "anonymous" ? "anonymous" : "nothing";
};

// src/beacon.ts
var MAX_EVENTS = 100;
var MAX_BYTES = 65536;
var byteLength = (text) => new TextEncoder().encode(text).length;
var encodeBeacon = (head, events) => `${JSON.stringify(head).slice(0, -1)},"eventList":[${events}]}`;
var takeBeaconful = (entries, maxBytes) => {
  const taken = [];
  let bytes = 0;
  for (const entry of entries) {
    if (entry._sessionId === entries[0]?._sessionId) {
      bytes += byteLength(entry._json) + 1;
      if (bytes > maxBytes || taken.length === MAX_EVENTS) {
        break;
      }
      taken.push(entry);
    }
  }
  return taken;
};

// src/delivery.ts
var LOCK = "relay";
var RETRY = "retry";
var SEQ = "seq";
var HEAD_BYTES = 4096;
var LEFTOVER_MS = 1e3;
var FIRST_RETRY_MS = 1e3;
var LAST_RETRY_MS = 3e5;
var MAX_PATIENCE_MS = 36e5;
var createDelivery = (env, store, settings, outbox, user, transport, events) => {
  const flying = /* @__PURE__ */ new Set();
  let sentAtHide = [];
  let failures = 0;
  let notBefore = 0;
  let cancelTimer;
  let running;
  let isWanted = false;
  let releaseLock;
  const askedToWaitMs = () => {
    const ms = Number(store._get(RETRY)) - env._now();
    return ms < MAX_PATIENCE_MS ? ms : 0;
  };
  const waitMs = () => Math.max(askedToWaitMs(), notBefore - env._now());
  const waiting = (onlyMine) => outbox._entries(onlyMine).filter(({ _eventId }) => !flying.has(_eventId));
  const wakeIn = (ms) => {
    cancelTimer ??= env._later(() => flush(), ms);
  };
  const ids = ({ _sessionId, _entries }) => _entries.length ? _entries.map(({ _eventId }) => _eventId) : [_sessionId];
  const nextParcel = (candidates, maxBytes) => {
    const entries = takeBeaconful(candidates, maxBytes - HEAD_BYTES);
    const sessionId = entries[0]?._sessionId ?? user._owed().find((owed) => !flying.has(owed));
    if (!sessionId) {
      return void 0;
    }
    const seq = `${Number(store._get(SEQ)) + 1}`;
    store._set(SEQ, seq);
    const parcel = {
      _sessionId: sessionId,
      _entries: entries,
      _identity: user._token(sessionId),
      _lost: outbox._lost()
    };
    const head = {
      v: 1,
      token: settings._token,
      sessionId,
      identity: parcel._identity,
      sentAt: env._now(),
      seq: +seq,
      lost: parcel._lost
    };
    return { ...parcel, _body: encodeBeacon(head, entries.map(({ _json }) => _json)) };
  };
  const settle = (parcel, { _status, _retryAfterMs, _taken }, result) => {
    const { _sessionId, _entries, _identity } = parcel;
    if (_taken && _status) {
      outbox._remove(_entries);
      outbox._told(parcel._lost);
      const rejected = _taken.rejected.filter(({ reason }) => reason !== "duplicate");
      result.accepted += _taken.accepted;
      result.rejected.push(...rejected);
      events._onSent(_entries.length, _taken);
      rejected.forEach(events._onRejected);
      user._answered(_sessionId, _identity, _taken.identity);
      events._onIdentity(_sessionId, _taken.identity, _identity);
    } else if (_status >= 400 && _status < 500 && _status !== 408 && _status !== 429) {
      outbox._lose("refused", _entries);
      user._answered(_sessionId, _identity, "none");
    } else {
      for (const id of ids(parcel)) {
        flying.delete(id);
      }
      const backoff = Math.min(FIRST_RETRY_MS * 2 ** failures++, LAST_RETRY_MS);
      notBefore = env._now() + Math.max(backoff * (0.5 + env._random()), _retryAfterMs);
      if (_retryAfterMs) {
        store._set(RETRY, `${notBefore}`);
      }
      return false;
    }
    failures = 0;
    return true;
  };
  const drain = async () => {
    const result = { accepted: 0, rejected: [], pending: 0 };
    do {
      isWanted = false;
      const last = waiting().pop()?._eventId ?? "";
      while (waitMs() <= 0 && env._isOnline()) {
        const candidates = waiting().filter(({ _eventId }) => _eventId <= last);
        const parcel = nextParcel(candidates, MAX_BYTES);
        if (!parcel) {
          break;
        }
        for (const id of ids(parcel)) {
          flying.add(id);
        }
        if (!settle(parcel, await transport._post(parcel._body), result)) {
          break;
        }
      }
    } while (isWanted);
    const left = outbox._entries();
    result.pending = left.length;
    user._tidy((sessionId) => left.some(({ _sessionId }) => _sessionId === sessionId));
    return result;
  };
  const inTurn = async (work) => {
    let done;
    await guard(() => env._locks())?.request(LOCK, () => {
      done = work();
      return Promise.race([done, new Promise((release) => releaseLock = release)]);
    }).catch(() => {
    });
    return done ?? work();
  };
  const flush = () => {
    cancelTimer?.();
    cancelTimer = void 0;
    isWanted = true;
    running ??= inTurn(drain).finally(() => {
      running = void 0;
      if (waiting().length) {
        wakeIn(Math.max(waitMs(), settings._flushMs));
      }
    });
    return running;
  };
  const schedule = () => {
    if (waiting(true).length >= settings._flushSize && waitMs() <= 0) {
      flush();
    } else {
      wakeIn(settings._flushMs);
    }
  };
  if (outbox._entries().length || user._owed().length) {
    wakeIn(LEFTOVER_MS);
  }
  return {
    _schedule: schedule,
    _flush: flush,
    _hide() {
      releaseLock?.();
      let room = MAX_BYTES - transport._inFlight();
      while (room > HEAD_BYTES && askedToWaitMs() <= 0 && env._isOnline()) {
        const parcel = nextParcel(waiting(true), room);
        if (!parcel) {
          break;
        }
        if (transport._postAtHide(parcel._body)) {
          room -= byteLength(parcel._body);
          for (const id of ids(parcel)) {
            flying.add(id);
            sentAtHide.push(id);
          }
        } else {
          room /= 2;
        }
      }
    },
    _show() {
      for (const id of sentAtHide) {
        flying.delete(id);
      }
      sentAtHide = [];
      if (waiting(true).length) {
        wakeIn(settings._flushMs);
      }
    }
  };
};

// src/event.ts
var originFields = ({ recommendationId, source }) => ({
  recommendationId: recommendationId || void 0,
  metricAttribution: source ? { eventAttributionSource: source } : void 0
});

// src/lifecycle.ts
var whenActivated = (env, begin) => {
  const document = env._document;
  if (document?.prerendering) {
    document.addEventListener("prerenderingchange", begin, { once: true });
  } else {
    begin();
  }
};
var watchLifecycle = (env, moments) => {
  const { _document: document, _window: window } = env;
  const stop = new AbortController();
  const on = (target, type, handle) => target?.addEventListener(type, (event) => guard(() => handle(event)), {
    capture: true,
    signal: stop.signal
  });
  on(document, "visibilitychange", () => document?.hidden ? moments._hide() : moments._show());
  on(window, "pagehide", () => moments._hide());
  on(window, "pageshow", (event) => {
    if (event.persisted) {
      moments._restore();
      moments._show();
    }
  });
  on(window, "online", () => moments._online());
  return () => stop.abort();
};

// src/outbox.ts
var EVENT = "event.";
var LOST = "lost";
var MAX_EVENTS2 = 200;
var MAX_BYTES2 = 131072;
var MAX_EVENT_BYTES = 6e4;
var createOutbox = (env, store, onLost) => {
  let made = 0;
  const lost = () => guard(() => JSON.parse(store._get(LOST) ?? "{}")) ?? {};
  const saveLost = (counts) => {
    const left = Object.entries(counts).filter(([, n]) => n > 0);
    if (left.length) {
      store._set(LOST, JSON.stringify(Object.fromEntries(left)));
    } else {
      store._remove(LOST);
    }
  };
  const remove = (entries2) => {
    for (const { _eventId } of entries2) {
      mine.delete(_eventId);
      store._remove(EVENT + _eventId);
    }
  };
  const count = (reason, n) => {
    const counts = lost();
    saveLost({ ...counts, [reason]: (counts[reason] ?? 0) + n });
    onLost(reason, n);
  };
  const lose = (reason, entries2) => {
    if (entries2.length) {
      remove(entries2);
      count(reason, entries2.length);
    }
  };
  const mine = new Set(store._names(EVENT));
  const entries = (onlyMine) => {
    const found = [];
    for (const _eventId of store._names(EVENT)) {
      const value = store._get(EVENT + _eventId) ?? "";
      const brace = value.indexOf("{");
      const entry = { _eventId, _sessionId: value.slice(0, brace), _json: value.slice(brace) };
      if (!guard(() => JSON.parse(entry._json))) {
        remove([entry]);
      } else if (!onlyMine || mine.has(_eventId)) {
        found.push(entry);
      }
    }
    return found;
  };
  return {
    // Time and count first, each of fixed width, so that names sort as the events happened.
    _newEventId: () => env._now().toString(36) + (made++ + 46656).toString(36).slice(-3) + env._randomId().slice(0, 20),
    _add(sessionId, event) {
      const json = JSON.stringify(event);
      if (byteLength(json) > MAX_EVENT_BYTES) {
        count("too_large", 1);
        return;
      }
      const waiting = entries();
      let bytes = waiting.reduce((sum, entry) => sum + byteLength(entry._json), byteLength(json));
      let drop = 0;
      for (const entry of waiting) {
        if (waiting.length - drop < MAX_EVENTS2 && bytes <= MAX_BYTES2) {
          break;
        }
        bytes -= byteLength(entry._json);
        drop++;
      }
      lose("outbox_full", waiting.slice(0, drop));
      mine.add(event.eventId);
      store._set(EVENT + event.eventId, sessionId + json);
    },
    _entries: entries,
    _remove: remove,
    _lose: lose,
    _count: count,
    _lost: () => {
      const counts = lost();
      return Object.keys(counts).length ? counts : void 0;
    },
    _told(told) {
      const counts = lost();
      for (const reason in told) {
        counts[reason] = (counts[reason] ?? 0) - (told[reason] ?? 0);
      }
      saveLost(counts);
    },
    _clear() {
      remove(entries());
      store._remove(LOST);
    }
  };
};

// src/session.ts
var COOKIE = "relay_session";
var NAME2 = "session";
var COOKIE_MAX_AGE_S = 86400;
var createSession = (env, store, idleMs, onChange) => {
  let current = ["", 0];
  let savedAt = 0;
  let domain;
  const readCookie = () => guard(() => env._readCookies().match(`(?:^|; )${COOKIE}=([^;]*)`)?.[1]);
  const parse = (value) => {
    const [, id = "", seenAt = ""] = /^([\w~-]{16,256})\.(\w+)$/.exec(value ?? "") ?? [];
    return [id, Number.parseInt(seenAt, 36) || 0];
  };
  const latest = () => [parse(store._get(NAME2)), parse(readCookie())].reduce(
    (best, other) => other[0] && other[1] >= best[1] ? other : best,
    current
  );
  const isFresh = ([id, seenAt]) => id && Math.abs(env._now() - seenAt) <= idleMs;
  const writeCookie = (value, maxAge) => {
    const labels = env._hostname.split(".");
    const candidates = domain === void 0 ? labels.map((_, i) => labels.slice(~i).join(".")) : [domain];
    for (const candidate of [...candidates, ""]) {
      env._writeCookie(
        `${COOKIE}=${value};path=/;max-age=${maxAge};samesite=lax` + (candidate && `;domain=${candidate}`) + (env._isHttps ? ";secure" : "")
      );
      if (readCookie() === value) {
        domain = candidate;
        break;
      }
    }
  };
  const save = () => {
    savedAt = current[1];
    const value = `${current[0]}.${savedAt.toString(36)}`;
    store._set(NAME2, value);
    guard(() => writeCookie(value, COOKIE_MAX_AGE_S));
  };
  const become = (id, why) => {
    const before = current[0];
    current = [id, env._now()];
    save();
    onChange(id, before, why);
    return id;
  };
  const renew = (why) => {
    current = latest();
    return become(env._randomId(), why);
  };
  return {
    _id() {
      const found = latest();
      if (!isFresh(found)) {
        return renew("idle");
      }
      if (found[0] !== current[0]) {
        return become(found[0]);
      }
      current = [found[0], env._now()];
      if (current[1] - savedAt > idleMs / 60) {
        save();
      }
      return found[0];
    },
    _peek() {
      const found = latest();
      return isFresh(found) ? found[0] : void 0;
    },
    _renew: renew,
    _forget() {
      store._remove(NAME2);
      guard(() => writeCookie("", 0));
      current = ["", 0];
    },
    _domain: () => domain
  };
};

// src/storage.ts
var PREFIX = "relay.";
var createStore = (env) => {
  const memory = /* @__PURE__ */ new Map();
  return {
    _get: (name) => memory.get(PREFIX + name) ?? guard(() => env._localStorage().getItem(PREFIX + name)) ?? null,
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
    _names: (prefix) => [.../* @__PURE__ */ new Set([...guard(() => Object.keys(env._localStorage())) ?? [], ...memory.keys()])].filter((name) => name.startsWith(PREFIX + prefix)).map((name) => name.slice((PREFIX + prefix).length)).sort()
  };
};

// src/transport.ts
var TIMEOUT_MS = 3e4;
var createTransport = (env, url, isSameSite) => {
  let inFlight = 0;
  const read = async (response) => {
    const taken = response.ok ? await response.json() : void 0;
    return {
      // A 200 of a captive portal is no answer of a relay.
      _status: taken && !(taken.accepted >= 0) ? 0 : response.status,
      _retryAfterMs: Number(response.headers.get("retry-after")) * 1e3 || 0,
      _taken: taken
    };
  };
  const post = async (body) => {
    const bytes = byteLength(body);
    inFlight += bytes;
    const abort = new AbortController();
    let cancel;
    try {
      return await Promise.race([
        env._fetch(url, {
          method: "POST",
          body,
          credentials: "include",
          keepalive: inFlight <= MAX_BYTES,
          signal: abort.signal
        }).then(read),
        new Promise((_, reject) => {
          cancel = env._later(() => {
            abort.abort();
            reject();
          }, TIMEOUT_MS);
        })
      ]);
    } catch {
      return { _status: 0, _retryAfterMs: 0 };
    } finally {
      cancel?.();
      inFlight -= bytes;
    }
  };
  return {
    _inFlight: () => inFlight,
    _post: post,
    _postAtHide: (body) => {
      const isTaken = isSameSite() ? guard(() => env._sendBeacon(url, body)) : void 0;
      return isTaken ?? !!post(body);
    }
  };
};

// src/user.ts
var NAME3 = "user.";
var OWED = "!";
var createUser = (store, session) => {
  const stored = (sessionId) => store._get(NAME3 + sessionId) ?? "";
  const bare = (value) => value.replace(OWED, "");
  return {
    _login(token) {
      const sessionId = session._id();
      if (stored(sessionId) !== token) {
        store._set(NAME3 + sessionId, OWED + token);
      }
    },
    _token: (sessionId) => bare(stored(sessionId)) || void 0,
    _owed: () => store._names(NAME3).filter((sessionId) => stored(sessionId).startsWith(OWED)),
    _carryOver(from, to) {
      const token = bare(stored(from));
      if (token) {
        store._set(NAME3 + to, OWED + token);
      }
    },
    _answered(sessionId, token, result) {
      if (token && bare(stored(sessionId)) === token) {
        if (/expired|invalid|mismatch/.test(result)) {
          store._remove(NAME3 + sessionId);
        } else {
          store._set(NAME3 + sessionId, token);
        }
      }
    },
    _tidy(isNeeded) {
      for (const sessionId of store._names(NAME3)) {
        if (!isNeeded(sessionId)) {
          store._remove(NAME3 + sessionId);
        }
      }
    }
  };
};

// src/tracker.ts
var MAX_CALLS = 200;
var SETTLE_MS = 20;
var REFETCH_MS = 6e4;
var TOKEN = /^[\w.-]{20,2048}$/;
var createCore = (options, env) => {
  const listeners = {};
  const debug = (topic, data) => {
    if (options.debug) {
      env._log(topic, data);
    }
  };
  const failed = (error) => debug("error", error);
  const emit = (topic, data) => {
    debug(topic, data);
    for (const listener of listeners[topic] ?? []) {
      guard(() => listener(data), failed);
    }
  };
  const allowed = permission(env, options);
  const store = createStore(env);
  const attribution = createAttribution(env, store, (options.attributionMinutes ?? 1440) * 6e4);
  const session = createSession(
    env,
    store,
    (options.sessionMinutes ?? 30) * 6e4,
    (id, before, why) => {
      if (why === "idle") {
        user._carryOver(before, id);
      }
      if (why) {
        store._remove("seq");
      }
      emit("session", id);
    }
  );
  const user = createUser(store, session);
  const sessionId = () => options.sessionId ?? session._id();
  let outbox;
  let delivery;
  let watchers = [];
  const starts = [];
  let calls = [];
  let state = "waiting";
  let isConsentGiven = options.consent !== "required";
  let isActive = false;
  let unwatch;
  let refetchAt = 0;
  const isSameSite = () => {
    const host = guard(() => new URL(options.endpoint).hostname);
    const domain = session._domain() || env._hostname;
    return !!host && (host === domain || host.endsWith(`.${domain}`));
  };
  const refetchIdentity = () => {
    if (options.identityUrl && env._now() >= refetchAt) {
      refetchAt = env._now() + REFETCH_MS;
      env._fetch(options.identityUrl, { credentials: "include" }).then((response) => response.ok ? response.text() : "").then((text) => {
        verbs.user(text[0] === "{" ? JSON.parse(text).identity : text.trim());
      }).catch(failed);
    }
  };
  const heardOfIdentity = (ofSession, result, token) => {
    if (result === "expired") {
      refetchIdentity();
    }
    if (result === "conflict" && ofSession === sessionId()) {
      const fresh = session._renew("ended");
      if (token) {
        user._login(token);
      }
      debug("conflict", fresh);
      delivery._flush();
    }
  };
  const record = (type, fields, at = env._now()) => {
    const { itemId } = fields;
    const origin = itemId && !fields.recommendationId && attribution._recall(itemId);
    const event = {
      eventId: outbox._newEventId(),
      eventType: type,
      sentAt: at,
      ...origin && originFields(origin),
      ...fields
    };
    debug("event", event);
    guard(
      () => outbox._add(sessionId(), event),
      (error) => {
        outbox._count("bad_event", 1);
        failed(error);
      }
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
    store._remove("seq");
    store._remove("retry");
    session._forget();
    state = "waiting";
  };
  const run = () => {
    if (state !== "starting") {
      return;
    }
    state = "running";
    outbox = createOutbox(env, store, (reason, events) => emit("lost", { reason, events }));
    delivery = createDelivery(
      env,
      store,
      {
        _token: options.token,
        _flushMs: options.flushMs ?? 5e3,
        _flushSize: options.flushSize ?? 10
      },
      outbox,
      user,
      createTransport(env, options.endpoint, isSameSite),
      {
        _onSent: (events, { accepted, identity }) => emit("sent", { events, accepted, identity }),
        _onRejected: (rejection) => emit("rejected", rejection),
        _onIdentity: heardOfIdentity
      }
    );
    sessionId();
    for (const start2 of starts) {
      guard(() => watchers.push(start2()), failed);
    }
    const waited = calls;
    calls = [];
    for (const [at, args] of waited) {
      call(at, args);
    }
  };
  const settleSession = (ready) => {
    const locks = guard(() => env._locks());
    if (options.sessionId || !env._document || session._peek()) {
      ready();
    } else if (locks) {
      locks.request("relay.session", ready).catch(ready);
    } else {
      session._id();
      env._later(ready, SETTLE_MS);
    }
  };
  const start = () => {
    if (allowed === "nothing" || !isConsentGiven || !isActive || state !== "waiting") {
      return;
    }
    state = "starting";
    unwatch = watchLifecycle(env, {
      _hide() {
        run();
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
      _online: () => delivery._flush()
    });
    settleSession(run);
  };
  const verbs = {
    event(type, fields = {}, at) {
      record(type, fields, at);
    },
    user(token) {
      if (allowed === "anonymous") {
        return;
      }
      if (token === null) {
        delivery._flush();
        attribution._forget();
        session._renew("ended");
      } else if (TOKEN.test(token)) {
        user._login(token);
        delivery._flush();
      }
    },
    session(callback) {
      callback(sessionId());
    },
    flush(callback) {
      delivery._flush().then((result) => guard(() => callback?.(result), failed));
    }
  };
  const consent = (isGiven) => {
    isConsentGiven = isGiven;
    if (isGiven) {
      start();
    } else {
      forget();
    }
  };
  const on = (topic, listener) => {
    const all = listeners[topic] ??= [];
    all.push(listener);
    return () => {
      all.splice(all.indexOf(listener), 1);
    };
  };
  const call = (at, args) => guard(() => {
    const [verb, first, second] = args;
    if (verb === "consent") {
      consent(first);
    } else if (verb === "on") {
      on(first, second);
    } else if (state === "running") {
      verbs[verb](first, second, at);
    } else if (allowed !== "nothing" && calls.length < MAX_CALLS) {
      calls.push([at, args]);
    }
  }, failed);
  const say = (verb) => (...args) => call(env._now(), [verb, ...args]);
  whenActivated(env, () => {
    isActive = true;
    start();
  });
  return {
    event: say("event"),
    user: say("user"),
    consent: say("consent"),
    session: say("session"),
    flush: say("flush"),
    on,
    _env: env,
    _call: call,
    _record: record,
    _attribution: attribution,
    _watch(begin) {
      starts.push(begin);
      if (state === "running") {
        watchers.push(begin());
      }
    },
    _debug: debug
  };
};

// src/clicks.ts
var SAME_INTERACTION_MS = 500;
var readPath = (path) => {
  let type = null;
  let value = null;
  let itemId = null;
  let item;
  for (const node of path) {
    if (!node.getAttribute) {
      continue;
    }
    if (!itemId) {
      type ??= node.getAttribute("data-relay-event");
      value ??= node.getAttribute("data-relay-value");
      itemId = node.getAttribute("data-relay-item") ?? (type && node.getAttribute("data-relay-view"));
      item = node;
    }
    if (itemId && node.hasAttribute("data-relay-list")) {
      return click(itemId, type, value, item, node);
    }
  }
  return itemId ? click(itemId, type, value, item) : void 0;
};
var click = (itemId, type, value, item, list) => ({
  _itemId: itemId,
  _type: type || "Click",
  _value: value ? Number(value) : void 0,
  _item: item,
  _list: list
});
var watchClicks = (env, onClick) => {
  const stop = new AbortController();
  let last = "";
  let lastAt = 0;
  const handle = (event) => guard(() => {
    const found = event.button < 2 && readPath(event.composedPath());
    if (found) {
      const what = `${found._type} ${found._itemId}`;
      const isRepeat = what === last && event.timeStamp - lastAt < SAME_INTERACTION_MS;
      last = what;
      lastAt = event.timeStamp;
      if (!isRepeat) {
        onClick(found);
      }
    }
  });
  for (const type of ["click", "auxclick"]) {
    env._window?.addEventListener(type, handle, {
      capture: true,
      passive: true,
      signal: stop.signal
    });
  }
  return () => stop.abort();
};

// src/dwell.ts
var MIN_SHARE = 0.5;
var MIN_MS = 1e3;
var THRESHOLDS = Array.from({ length: 51 }, (_, i) => i / 100);
var createDwell = (env, onSeen) => {
  const window = env._window;
  if (!window?.IntersectionObserver) {
    return void 0;
  }
  const visible = /* @__PURE__ */ new Map();
  const begin = (element) => {
    if (!env._document?.hidden) {
      visible.set(
        element,
        env._later(() => onSeen(element), MIN_MS)
      );
    }
  };
  const end = (element) => {
    visible.get(element)?.();
    visible.delete(element);
  };
  const area = ({ width, height }) => width * height;
  const observer = new window.IntersectionObserver(
    (entries) => {
      for (const { target, intersectionRect, boundingClientRect, rootBounds } of entries) {
        const screen = rootBounds ?? { width: window.innerWidth, height: window.innerHeight };
        const isVisible = area(intersectionRect) / Math.min(area(boundingClientRect), area(screen)) >= MIN_SHARE;
        if (!isVisible) {
          end(target);
        } else if (!visible.has(target)) {
          visible.set(target, void 0);
          begin(target);
        }
      }
    },
    { threshold: THRESHOLDS }
  );
  return {
    _watch: (element) => observer.observe(element),
    _unwatch(element) {
      observer.unobserve(element);
      end(element);
    },
    _pause() {
      for (const [element, cancel] of visible) {
        cancel?.();
        visible.set(element, void 0);
      }
    },
    // The observer says nothing when a hidden page comes back.
    _resume: () => visible.forEach((_, element) => begin(element))
  };
};

// src/impressions.ts
var MAX_ITEMS2 = 25;
var createImpression = () => {
  const positions = /* @__PURE__ */ new Map();
  let untold = /* @__PURE__ */ new Set();
  const inOrder = () => [...positions].sort((a, b) => a[1] - b[1]).map(([itemId]) => itemId);
  return {
    _see(itemId, position) {
      if (!positions.has(itemId)) {
        untold.add(itemId);
      }
      positions.delete(itemId);
      positions.set(itemId, position);
      if (positions.size > MAX_ITEMS2) {
        positions.delete(positions.keys().next().value);
      }
    },
    _carry() {
      untold = /* @__PURE__ */ new Set();
      return inOrder();
    },
    _untold() {
      const told = untold;
      untold = /* @__PURE__ */ new Set();
      return inOrder().filter((itemId) => told.has(itemId));
    }
  };
};

// src/page.ts
var ITEM = "data-relay-item";
var LIST = "data-relay-list";
var VIEW = "data-relay-view";
var RESCAN_MS = 100;
var originOf = (list) => ({
  recommendationId: list.getAttribute("data-relay-recommendation-id") ?? void 0,
  source: list.getAttribute("data-relay-source") ?? void 0
});
var watchPage = (tracker, sendImpressions) => {
  const core = tracker;
  const { _env: env } = core;
  const { _document: document, _window: window } = env;
  if (document && window) {
    core._watch(() => startWatching(core, document, window, sendImpressions));
  }
};
var startWatching = (core, document, window, sendImpressions) => {
  const lists = /* @__PURE__ */ new Map();
  let items = /* @__PURE__ */ new Map();
  let views = /* @__PURE__ */ new Set();
  let cancelRescan;
  const see = (list, item, itemId) => {
    let impression = lists.get(list);
    if (!impression) {
      impression = createImpression();
      lists.set(list, impression);
    }
    impression._see(itemId, [...list.querySelectorAll(`[${ITEM}]`)].indexOf(item));
    return impression;
  };
  const dwell = createDwell(core._env, (item) => {
    const list = item.closest(`[${LIST}]`);
    const itemId = item.getAttribute(ITEM);
    if (list && itemId) {
      see(list, item, itemId);
      core._debug("seen", itemId);
    }
  });
  const rescan = () => {
    cancelRescan?.();
    cancelRescan = void 0;
    const found = /* @__PURE__ */ new Map();
    for (const item of document.querySelectorAll(`[${LIST}] [${ITEM}]`)) {
      found.set(item, item.getAttribute(ITEM));
    }
    for (const [item, itemId] of items) {
      if (found.get(item) !== itemId) {
        dwell?._unwatch(item);
      }
    }
    for (const [item, itemId] of found) {
      if (items.get(item) !== itemId) {
        dwell?._watch(item);
      }
    }
    items = found;
    const shown = /* @__PURE__ */ new Set();
    for (const view of document.querySelectorAll(`[${VIEW}]`)) {
      const itemId = view.getAttribute(VIEW);
      if (itemId) {
        shown.add(itemId);
        if (!views.has(itemId)) {
          views.add(itemId);
          core._record("View", { itemId });
        }
      }
    }
    views = shown;
  };
  const changes = new window.MutationObserver(() => {
    cancelRescan ??= core._env._later(rescan, RESCAN_MS);
  });
  changes.observe(document, {
    childList: true,
    subtree: true,
    attributeFilter: [ITEM, VIEW, LIST]
  });
  const stopClicks = watchClicks(core._env, ({ _itemId: itemId, _type, _value, _item, _list }) => {
    const origin = _list && originOf(_list);
    if (origin) {
      core._attribution._remember(itemId, origin);
    }
    core._record(_type, {
      itemId,
      eventValue: _value,
      ..._list && { ...originFields(originOf(_list)), impression: see(_list, _item, itemId)._carry() }
    });
  });
  rescan();
  return {
    _hide() {
      if (cancelRescan) {
        rescan();
      }
      dwell?._pause();
      for (const [list, impression] of lists) {
        const seen = sendImpressions ? impression._untold() : [];
        if (seen.length) {
          core._record("Impression", { ...originFields(originOf(list)), impression: seen });
        }
        if (!list.isConnected) {
          lists.delete(list);
        }
      }
    },
    _show: () => dwell?._resume(),
    _restore() {
      views = /* @__PURE__ */ new Set();
      rescan();
    },
    _stop() {
      stopClicks();
      changes.disconnect();
      cancelRescan?.();
      for (const item of items.keys()) {
        dwell?._unwatch(item);
      }
    }
  };
};

// src/index.ts
var createTracker = (options) => {
  const env = platformEnv();
  const { fetch } = options;
  return createCore(options, fetch ? { ...env, _fetch: (url, init) => fetch(url, init) } : env);
};
export {
  createTracker,
  watchPage
};
