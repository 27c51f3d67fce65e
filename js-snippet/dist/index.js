import {
  guard
} from "./chunk.js";

// src/env.ts
var platform = globalThis;
var randomId = (env2) => env2.crypto.getRandomValues(new BigUint64Array(2)).join("");

// src/attribute.ts
var attribute = (element, name) => guard(() => element.getAttribute?.(`data-relay-${name}`));

// src/event.ts
var originFields = (recommendationId, source) => ({
  recommendationId: recommendationId || void 0,
  metricAttribution: source ? { eventAttributionSource: source } : void 0
});

// src/impressions.ts
var MAX_ITEMS = 25;
var createImpression = (origin, compare) => {
  const seen = /* @__PURE__ */ new Map();
  const told = /* @__PURE__ */ new Set();
  return {
    _origin: origin,
    _see(itemId, place) {
      seen.delete(itemId);
      seen.set(itemId, place);
      if (seen.size > MAX_ITEMS) {
        seen.delete([...seen.keys()][0]);
      }
    },
    _take: (onlyUntold) => [...seen].filter(([itemId]) => !(onlyUntold && told.has(itemId))).sort(([, a], [, b]) => compare(a, b)).map(([itemId]) => {
      told.add(itemId);
      return itemId;
    })
  };
};

// src/list.ts
var createList = (core, { recommendationId, items, source }) => {
  const impression = createImpression(originFields(recommendationId, source), (a, b) => a - b);
  const watched = /* @__PURE__ */ new Map();
  const see = (itemId) => impression._see(itemId, items.indexOf(itemId));
  const tell = () => core._tell(impression);
  const onSeen = (element) => {
    const itemId = watched.get(element);
    if (itemId) {
      see(itemId);
    }
  };
  let hideListeners;
  let seenListeners;
  const { _enter: enter } = core._bus;
  return {
    observe: enter((element) => {
      hideListeners = core._bus._on("hide", tell);
      seenListeners = core._bus._on("seen", onSeen);
      const marked = [...element.querySelectorAll("[data-relay-item]")];
      (marked.length ? marked : [...element.children]).forEach((item, position) => {
        const itemId = attribute(item, "item") ?? items[position];
        if (itemId && items.includes(itemId)) {
          watched.set(item, itemId);
          core._dwell?._watch(item);
        }
      });
    }),
    click: enter((itemId, type = "Click") => {
      see(itemId);
      core._record(type, { ...impression._origin, itemId, impression: impression._take() });
    }),
    stop: enter(() => {
      tell();
      hideListeners?.delete(tell);
      seenListeners?.delete(onSeen);
      for (const item of watched.keys()) {
        core._dwell?._unwatch(item);
      }
      watched.clear();
    })
  };
};

// src/clicks.ts
var SAME_INTERACTION_MS = 500;
var watchClicks = (bus, onClick) => {
  let last;
  let lastAt = 0;
  const handle = (event) => {
    let type;
    let value;
    let itemId;
    let item;
    let list;
    for (const element of event.composedPath()) {
      if (!itemId) {
        type ??= attribute(element, "event");
        value ??= attribute(element, "value");
        itemId = attribute(element, "item") ?? (type && attribute(element, "view"));
        item = element;
      }
      if (itemId && attribute(element, "list") != null) {
        list ??= element;
      }
    }
    const what = `${type}${itemId}`;
    if (itemId && event.button < 2) {
      if (what !== last || event.timeStamp - lastAt > SAME_INTERACTION_MS) {
        onClick(itemId, item, type || "Click", value ? +value : void 0, list);
      }
      last = what;
      lastAt = event.timeStamp;
    }
  };
  bus._listen("click", handle);
  bus._listen("auxclick", handle);
};

// src/page.ts
var ITEMS = "[data-relay-list] [data-relay-item]";
var RESCAN_MS = 100;
var FIRST_ITEMS = 100;
var MORE_ITEMS = 1e3;
var MOMENT_MS = 20;
var inDocumentOrder = (a, b) => guard(() => a.compareDocumentPosition(b)) & 4 ? -1 : 1;
var watchPage = (core) => {
  const { _env: env2, _bus: bus, _record: record } = core;
  const enter = bus._enter;
  const document = env2.document;
  const dwell = core._dwell;
  const lists = /* @__PURE__ */ new Map();
  let views = /* @__PURE__ */ new Set();
  let changes;
  let timer;
  const see = (list, item, itemId) => {
    const impression = lists.get(list) ?? createImpression(originFields(attribute(list, "recommendation-id"), attribute(list, "source")), inDocumentOrder);
    lists.set(list, impression);
    impression._see(itemId, item);
    return impression;
  };
  const view = () => {
    const shown = new Set([...document.querySelectorAll("[data-relay-view]")].map((found) => attribute(found, "view")));
    for (const itemId of shown) {
      if (itemId && !views.has(itemId)) {
        record("View", { itemId });
      }
    }
    views = shown;
  };
  const scan = () => {
    timer = 0;
    view();
    const items = document.querySelectorAll(ITEMS);
    const watch = (from, to) => {
      [].slice.call(items, from, to).forEach(dwell._watch);
      if (items[to]) {
        bus._later(() => watch(to, to + MORE_ITEMS), MOMENT_MS);
      }
    };
    watch(0, FIRST_ITEMS);
  };
  const onChanges = (records) => {
    timer ||= bus._later(scan, RESCAN_MS);
    records.forEach(
      enter(({ attributeName, target }) => {
        const element = target;
        if (attributeName) {
          core._tell(lists.get(element));
          lists.delete(element);
          [element, ...element.querySelectorAll(ITEMS)].forEach(dwell._unwatch);
        }
      })
    );
  };
  bus._on("seen", (item) => {
    const list = item.closest("[data-relay-list]");
    const itemId = attribute(item, "item");
    if (list && itemId) {
      see(list, item, itemId);
    }
  });
  bus._on("start", () => {
    lists.clear();
    views = /* @__PURE__ */ new Set();
    scan();
    changes ??= new env2.MutationObserver(enter(onChanges));
    changes.observe(document, {
      subtree: true,
      childList: true,
      attributeFilter: ["item", "view", "list", "recommendation-id"].map((name) => `data-relay-${name}`)
    });
  });
  bus._on("hide", () => {
    view();
    lists.forEach(
      enter((impression, list) => {
        core._tell(impression);
        if (!list.isConnected) {
          lists.delete(list);
        }
      })
    );
  });
  watchClicks(bus, (itemId, item, type, eventValue, list) => {
    const impression = list && see(list, item, itemId);
    record(type, { ...impression?._origin, itemId, eventValue, impression: impression?._take() });
  });
};

// src/attribution.ts
var NAME = "items";
var MAX_ITEMS2 = 50;
var createAttribution = (env2, store, keepMs) => {
  const memories = () => (store._get(NAME) ?? []).filter(([, clickedAt]) => env2.Date.now() - clickedAt < keepMs);
  return {
    _originOf({ itemId, recommendationId, metricAttribution }) {
      let known = memories();
      if (itemId && (recommendationId || metricAttribution)) {
        known = known.filter(([id]) => id !== itemId).slice(1 - MAX_ITEMS2);
        known.push([itemId, env2.Date.now(), { recommendationId, metricAttribution }]);
        store._set(NAME, known);
      }
      return known.find(([id]) => id === itemId)?.[2];
    },
    _forget: () => store._remove(NAME)
  };
};

// src/bus.ts
var createBus = (env2, log) => {
  const listeners = {};
  const enter = ((work) => async (...args) => {
    try {
      return await work(...args);
    } catch (error) {
      log?.("error", error);
    }
    return void 0;
  });
  return {
    // biome-ignore lint/suspicious/noAssignInExpressions: one line for "make it, where there is none"
    _on: (topic, listener) => (listeners[topic] ??= /* @__PURE__ */ new Set()).add(listener),
    _emit(topic, data) {
      log?.(topic, data);
      listeners[topic]?.forEach(enter((listener) => listener(data)));
    },
    _enter: enter,
    _later: (work, ms) => env2.setTimeout(enter(work), ms),
    _listen: (type, listener) => env2.document && env2.addEventListener(type, enter(listener), true)
  };
};

// src/consent.ts
var isPrivate = (env2, options) => env2.navigator.globalPrivacyControl && options.gpc !== "ignore";
var mayCollect = (env2, options, isHeeded) => (!env2.navigator.webdriver || options.debug != null) && (!isHeeded || options.gpc === "anonymous");

// src/beacon.ts
var MAX_BYTES = 65536;
var byteLength = (value) => new TextEncoder().encode(JSON.stringify(value)).length;
var takeBeaconful = (entries, maxBytes) => {
  const taken = [];
  let room = maxBytes;
  for (const [sessionId, event] of entries) {
    if (sessionId === entries[0]?.[0]) {
      room -= byteLength(event) + 1;
      if (room < 0) {
        break;
      }
      taken.push(event);
    }
  }
  return taken;
};

// src/transport.ts
var TIMEOUT_MS = 3e4;
var REFUSED = /^4(?!08|29)/;
var post = async (env2, options, beacon) => {
  try {
    const { endpoint, fetch = env2.fetch } = options;
    const response = await fetch(endpoint, {
      method: "POST",
      body: JSON.stringify(beacon),
      credentials: "include",
      keepalive: true,
      signal: AbortSignal.timeout?.(TIMEOUT_MS)
    });
    let taken;
    try {
      taken = await response.json();
    } catch {
    }
    return [
      REFUSED.test(response.status),
      +response.headers.get("retry-after") * 1e3 || 0,
      // Neither an error's body nor the 200 of a captive portal has this.
      taken?.accepted >= 0 ? taken : void 0
    ];
  } catch {
    return [false, 0];
  }
};
var postAtHide = (env2, options, beacon) => {
  return options.endpoint.includes(env2.location.hostname.split(".").slice(-2).join(".")) ? env2.navigator.sendBeacon(options.endpoint, JSON.stringify(beacon)) : post(env2, options, beacon);
};

// src/delivery.ts
var RETRY = "retry";
var SEQ = "seq";
var MIN_BYTES = 500;
var MAX_BEACONS = 20;
var LEFTOVER_MS = 1e3;
var FIRST_RETRY_MS = 1e3;
var LAST_RETRY_MS = 3e5;
var MAX_PATIENCE_MS = 36e5;
var createDelivery = (env2, store, bus, options, outbox, user, onIdentity) => {
  const flushMs = +options.flushMs || 5e3;
  let sentAtHide = [];
  let inFlight = 0;
  let failures = 0;
  let notBefore = 0;
  let timer;
  let running;
  let result;
  const askedToWaitMs = () => {
    const ms = store._get(RETRY) - env2.Date.now();
    return ms < MAX_PATIENCE_MS ? ms : 0;
  };
  const waitMs = () => Math.max(askedToWaitMs(), notBefore - env2.Date.now());
  const wakeIn = (ms) => {
    timer ??= outbox._entries()[0] || user._owed()[0] ? bus._later(flush, Math.max(waitMs(), ms)) : void 0;
  };
  const nextBeacon = (maxBytes, sent = []) => {
    const waiting = outbox._entries().filter((entry) => !sent.includes(entry[1].eventId));
    const sessionId = waiting[0]?.[0] ?? user._owed().find((owed) => !sent.includes(user._token(owed)));
    if (sessionId) {
      const beacon = {
        v: 1,
        token: options.token,
        sessionId,
        identity: user._token(sessionId),
        sentAt: env2.Date.now(),
        seq: (store._get(SEQ) ?? 0) + 1,
        lost: outbox._lost(),
        eventList: []
      };
      beacon.eventList = takeBeaconful(waiting, maxBytes - byteLength(beacon));
      if (beacon.eventList[0] || !waiting[0]) {
        store._set(SEQ, beacon.seq);
        return beacon;
      }
    }
    return void 0;
  };
  const settle = (beacon, [isRefused, retryAfterMs, taken]) => {
    if (taken || isRefused) {
      failures = 0;
      user._answered(beacon.sessionId, beacon.identity, taken?.identity);
    } else {
      const backoffMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++);
      notBefore = env2.Date.now() + Math.max(retryAfterMs, backoffMs * (0.5 + env2.Math.random()));
      if (retryAfterMs) {
        store._set(RETRY, notBefore);
      }
    }
    if (taken) {
      outbox._remove(beacon.eventList);
      outbox._told(beacon.lost);
      result.accepted += taken.accepted;
      bus._emit("sent", { ...taken, events: beacon.eventList.length });
      taken.rejected.forEach((rejection) => {
        if (rejection.reason !== "duplicate") {
          result.rejected.push(rejection);
          bus._emit("rejected", rejection);
        }
      });
      onIdentity(taken.identity, beacon.sessionId);
    } else if (isRefused) {
      outbox._lose("refused", beacon.eventList);
    }
  };
  const drain = bus._enter(async () => {
    for (let i = 0; i < MAX_BEACONS && waitMs() <= 0 && env2.navigator.onLine !== false; i++) {
      const beacon = nextBeacon(MAX_BYTES);
      inFlight = byteLength(beacon);
      if (!beacon) {
        break;
      }
      settle(beacon, await post(env2, options, beacon));
    }
  });
  const takeTurn = async () => {
    result = { accepted: 0, pending: 0, rejected: [] };
    let done;
    const drainOnce = () => done ??= drain();
    await bus._enter(() => env2.navigator.locks?.request("relay", drainOnce))();
    await drainOnce();
    inFlight = 0;
    guard(() => {
      wakeIn(flushMs);
      result.pending = outbox._entries().length;
    });
    running = void 0;
    return result;
  };
  const flush = () => {
    env2.clearTimeout(timer);
    timer = void 0;
    running ??= takeTurn();
    return running;
  };
  bus._listen("online", flush);
  bus._on("show", () => {
    sentAtHide = [];
  });
  bus._on("hide", () => {
    let room = MAX_BYTES - inFlight;
    let beacon;
    while (room > MIN_BYTES && askedToWaitMs() <= 0 && (beacon = nextBeacon(room, sentAtHide))) {
      if (postAtHide(env2, options, beacon)) {
        room -= byteLength(beacon);
        sentAtHide.push(beacon.identity, ...beacon.eventList.map(({ eventId }) => eventId));
      } else {
        room /= 2;
      }
    }
  });
  wakeIn(LEFTOVER_MS);
  return {
    _schedule() {
      if (outbox._entries().length >= +(options.flushSize ?? 10) && waitMs() <= 0) {
        flush();
      } else {
        wakeIn(flushMs);
      }
    },
    _flush: flush
  };
};

// src/dwell.ts
var MIN_SHARE = 0.5;
var MIN_MS = 1e3;
var createDwell = (env2, bus) => {
  const timers = /* @__PURE__ */ new Map();
  let observer;
  const end = (element) => {
    env2.clearTimeout(timers.get(element));
    timers.delete(element);
  };
  const begin = (element) => {
    env2.clearTimeout(timers.get(element));
    timers.set(
      element,
      // The observer may speak of the time before a hide after it. A prerendered page is hidden too.
      env2.document.hidden ? void 0 : bus._later(() => bus._emit("seen", element), MIN_MS)
    );
  };
  const beginAnew = () => {
    for (const element of timers.keys()) {
      begin(element);
    }
  };
  const isHalf = (part, whole) => part.width * part.height >= MIN_SHARE * Math.min(whole.width, env2.innerWidth) * Math.min(whole.height, env2.innerHeight);
  const observe = (entries) => {
    for (const entry of entries) {
      const { target } = entry;
      const isSeen = entry.isIntersecting && isHalf(entry.intersectionRect, entry.boundingClientRect);
      if (isSeen !== timers.has(target)) {
        (isSeen ? begin : end)(target);
      }
    }
  };
  bus._on("hide", beginAnew);
  bus._on("show", beginAnew);
  return {
    _watch(element) {
      guard(() => {
        observer ??= new env2.IntersectionObserver(bus._enter(observe), {
          // Ratios up to half, close together where small: half a window of an element of 100 windows is a 200th.
          threshold: [...Array(51).keys()].map((i) => i ** 2 / 5e3)
        });
        observer.observe(element);
      });
    },
    _unwatch(element) {
      observer?.unobserve(element);
      end(element);
    }
  };
};

// src/lifecycle.ts
var watchLifecycle = (env2, bus) => {
  bus._listen("visibilitychange", () => bus._emit(env2.document.hidden ? "hide" : "show"));
  bus._listen("pagehide", () => bus._emit("hide"));
  bus._listen("pageshow", ({ persisted }) => persisted && bus._emit("start"));
};

// src/outbox.ts
var EVENT = "event.";
var LOST = "lost";
var MAX_EVENTS = 200;
var MAX_BYTES2 = 131072;
var MAX_EVENT_BYTES = 5e4;
var createOutbox = (store, bus) => {
  const remove = (events) => {
    events.forEach(({ eventId }) => {
      store._remove(EVENT + eventId);
    });
  };
  const lose = (reason, events) => {
    remove(events);
    const counts = store._get(LOST);
    store._set(LOST, { ...counts, [reason]: (counts?.[reason] ?? 0) + events.length });
    bus._emit("lost", { reason, events: events.length });
  };
  const entries = () => store._names(EVENT).map((eventId) => store._get(EVENT + eventId)).filter((entry) => entry?.[1]?.eventId);
  return {
    _add(entry) {
      if (byteLength(entry) > MAX_EVENT_BYTES) {
        lose("too_large", [entry[1]]);
        return;
      }
      const waiting = [...entries(), entry];
      while (waiting.length > MAX_EVENTS || byteLength(waiting) > MAX_BYTES2) {
        lose("outbox_full", [waiting.shift()[1]]);
      }
      store._set(EVENT + entry[1].eventId, entry);
    },
    _entries: entries,
    _remove: remove,
    _lose: lose,
    _lost: () => store._get(LOST),
    _told(lost) {
      if (JSON.stringify(lost) === JSON.stringify(store._get(LOST))) {
        store._remove(LOST);
      }
    }
  };
};

// src/storage.ts
var PREFIX = "_relay.";
var createStore = (env2, mayStore) => {
  let box = guard(() => env2.localStorage) ?? {};
  return {
    _get: (name) => guard(() => {
      const text = box[PREFIX + name];
      return text && JSON.parse(text);
    }),
    _set(name, value) {
      const text = JSON.stringify(value);
      try {
        if (mayStore()) {
          box[PREFIX + name] = text;
        }
      } catch {
        box = { ...box, [PREFIX + name]: text };
      }
    },
    _remove(name) {
      delete box[PREFIX + name];
    },
    _names: (prefix) => Object.keys(box).sort().flatMap((name) => name.split(PREFIX + prefix)[1] ?? [])
  };
};

// src/session.ts
var NAME2 = "session";
var COOKIE_MAX_AGE_S = 86400;
var createSession = (env2, store, bus, idleMs, onIdle) => {
  let current = ["", 0];
  let savedAt = 0;
  let domains;
  const readCookie = () => guard(() => env2.document.cookie.match(`${PREFIX}${NAME2}=([^;]*)`)?.[1]) ?? "";
  const writeCookie = (value, maxAge) => guard(() => {
    domains ??= env2.location.hostname.split(".").map((_, i, labels) => labels.slice(-2 - i).join(".")).concat("");
    const works = (domain) => {
      env2.document.cookie = `${PREFIX}${NAME2}=${value};path=/;max-age=${maxAge};samesite=lax;domain=${domain}`;
      return readCookie() === value;
    };
    domains = domains.slice(domains.findIndex(works));
  });
  const latest = () => {
    let best = ["", 0];
    for (const value of [store._get(NAME2), readCookie()]) {
      const [, id, seenAt] = /^(\w{16,256})\.(\d+)$/.exec(value) ?? [];
      const ms = +seenAt;
      if (id && ms >= best[1]) {
        best = [id, ms];
        savedAt = ms;
      }
    }
    return best[1] > current[1] || best[0] && best[0] !== current[0] ? best : current;
  };
  const touch = (id) => {
    const isNew = id !== current[0];
    const now = env2.Date.now();
    current = [id, now];
    if (now - savedAt > idleMs / 60) {
      savedAt = now;
      const value = `${id}.${now}`;
      store._set(NAME2, value);
      writeCookie(value, COOKIE_MAX_AGE_S);
    }
    if (isNew) {
      bus._emit("session", id);
    }
    return id;
  };
  const renew = () => {
    savedAt = 0;
    return touch(randomId(env2));
  };
  return {
    _id() {
      const [id, seenAt] = latest();
      if (id && Math.abs(env2.Date.now() - seenAt) <= idleMs) {
        return touch(id);
      }
      const fresh = renew();
      onIdle(id, fresh);
      return fresh;
    },
    _renew: renew,
    _forget() {
      writeCookie("", 0);
      current = ["", 0];
    }
  };
};

// src/user.ts
var NAME3 = "user.";
var createUser = (store) => {
  const login = (sessionId) => store._get(NAME3 + sessionId) ?? [];
  return {
    _set(sessionId, fresh) {
      if (fresh && login(sessionId)[0] !== fresh) {
        store._set(NAME3 + sessionId, [fresh, true]);
      }
    },
    _token: (sessionId) => login(sessionId)[0],
    _owed: () => store._names(NAME3).filter((sessionId) => login(sessionId)[1]),
    _answered(sessionId, sent, result) {
      if (sent && login(sessionId)[0] === sent) {
        if (/ex|inv|mis/.test(result)) {
          store._remove(NAME3 + sessionId);
        } else {
          store._set(NAME3 + sessionId, [sent]);
        }
      }
    },
    _keep(sessionIds) {
      for (const sessionId of store._names(NAME3)) {
        if (!sessionIds.includes(sessionId)) {
          store._remove(NAME3 + sessionId);
        }
      }
    }
  };
};

// src/tracker.ts
var MAX_CALLS = 200;
var SETTLE_MS = 20;
var MINUTE_MS = 6e4;
var TOKEN = /^[\w.-]{20,8192}$/;
var createCore = (env2, options) => {
  const isAnonymous = isPrivate(env2, options);
  const isCollectable = mayCollect(env2, options, isAnonymous);
  const bus = createBus(
    env2,
    options.debug != null ? (topic, data) => guard(() => env2.console.log("[relay]", topic, data)) : void 0
  );
  let isConsentGiven = !options.consent;
  const store = createStore(env2, () => isConsentGiven);
  const user = createUser(store);
  const outbox = createOutbox(store, bus);
  const attribution = createAttribution(env2, store, +(options.attributionMinutes ?? 1440) * MINUTE_MS);
  const session = createSession(
    env2,
    store,
    bus,
    +(options.sessionMinutes ?? 30) * MINUTE_MS,
    // The same person, back from a break.
    (before, after) => user._set(after, user._token(before))
  );
  const sessionId = () => options.sessionId ?? session._id();
  let isRunning = false;
  let calls = [];
  let made = 1e4;
  let refetchAt = 0;
  let refetchMs = MINUTE_MS;
  let renewed;
  let delivery;
  const logIn = (token) => {
    if (!isAnonymous && TOKEN.test(token)) {
      user._set(sessionId(), token);
      delivery._flush();
    }
  };
  const isCurrent = (ofSession) => isRunning && ofSession === sessionId();
  const refetchIdentity = bus._enter(async (ofSession) => {
    if (options.identityUrl && env2.Date.now() >= refetchAt) {
      refetchAt = env2.Date.now() + refetchMs;
      refetchMs *= 2;
      const response = await env2.fetch(options.identityUrl, { credentials: "include" });
      const text = await response.text();
      if (isCurrent(ofSession) && !user._token(ofSession)) {
        logIn(guard(() => JSON.parse(text).identity) ?? text.trim());
      }
    }
  });
  const heardOfIdentity = (result, ofSession) => {
    if (result === "ok") {
      refetchMs = MINUTE_MS;
    }
    if (/exp|mis/.test(result)) {
      refetchIdentity(ofSession);
    }
    if (result === "conflict" && isCurrent(ofSession) && ofSession !== renewed) {
      renewed = session._renew();
      user._set(renewed, user._token(ofSession));
      delivery._flush();
    }
  };
  const record = (type, fields = {}, at = env2.Date.now()) => {
    if (isRunning) {
      const event = {
        // Events are kept in the order of their ids: time and count first.
        eventId: `${env2.Date.now()}${made++}${randomId(env2)}`,
        eventType: type,
        sentAt: at,
        ...attribution._originOf(fields),
        ...fields
      };
      bus._emit("event", event);
      outbox._add([sessionId(), event]);
      delivery._schedule();
    }
  };
  const verbs = {
    event: record,
    user(token) {
      if (token === null) {
        delivery._flush();
        attribution._forget();
        session._renew();
      } else {
        logIn(token);
      }
    },
    session(callback) {
      callback(sessionId());
    },
    async flush(callback) {
      const result = await delivery._flush();
      callback?.(result);
    },
    consent(isGiven) {
      isConsentGiven = isGiven;
      if (isGiven) {
        begin();
      } else {
        isRunning = false;
        calls = [];
        store._names("").forEach(store._remove);
        session._forget();
      }
    },
    on: bus._on
  };
  const call = bus._enter((queued) => {
    const [at, [verb, first, second]] = queued;
    if (isRunning || verb === "on" || verb === "consent") {
      return verbs[verb]?.(first, second, at);
    }
    if (isCollectable && calls.length < MAX_CALLS) {
      calls.push(queued);
    }
    return void 0;
  });
  const mayRun = () => isCollectable && isConsentGiven && !isRunning && !env2.document?.prerendering;
  const run = () => {
    if (mayRun()) {
      isRunning = true;
      delivery ??= createDelivery(env2, store, bus, options, outbox, user, heardOfIdentity);
      user._keep([sessionId(), ...outbox._entries().map(([id]) => id)]);
      bus._emit("start");
      calls.splice(0).forEach(call);
    }
  };
  const begin = () => {
    if (mayRun()) {
      sessionId();
      bus._later(run, SETTLE_MS);
    }
  };
  bus._listen("prerenderingchange", begin);
  bus._on("hide", run);
  let dwell;
  if (env2.document) {
    watchLifecycle(env2, bus);
    dwell = createDwell(env2, bus);
  }
  begin();
  return {
    _env: env2,
    _bus: bus,
    _dwell: dwell,
    _record: record,
    _tell(impression) {
      const untold = impression?._take(true);
      if (options.impressions != null && untold?.[0]) {
        record("Impression", { ...impression?._origin, impression: untold });
      }
    },
    _call: call
  };
};

// src/index.ts
var env = "navigator" in platform ? platform : Object.create(platform, { navigator: { value: {} }, crypto: { value: platform.crypto } });
var NO_LIST = { observe() {
}, click() {
}, stop() {
} };
var cores = /* @__PURE__ */ new WeakMap();
var createTracker = (options) => {
  const core = guard(
    () => createCore(env, {
      ...options,
      debug: options.debug || void 0,
      impressions: options.impressions || void 0
    })
  );
  const say = (verb) => (...args) => void guard(() => core?._call([platform.Date.now(), [verb, ...args]]));
  const tracker = {
    event: say("event"),
    user: say("user"),
    consent: say("consent"),
    session: say("session"),
    flush: say("flush"),
    on(topic, listener) {
      const listeners = guard(() => core?._bus._on(topic, listener));
      return () => void listeners?.delete(listener);
    },
    list: (listOptions) => guard(() => createList(core, listOptions)) ?? NO_LIST
  };
  if (core) {
    cores.set(tracker, core);
  }
  return tracker;
};
var watchPage2 = (tracker) => {
  const core = cores.get(tracker);
  guard(() => core?._env.document && watchPage(core));
};
export {
  createTracker,
  watchPage2 as watchPage
};
