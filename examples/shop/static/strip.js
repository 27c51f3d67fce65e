// The drawer at the bottom: what the emulator of Amazon Personalize received. Not part of what a shop would ship.

const EMULATOR = document.currentScript.dataset.emulator;
const POLL_MS = 1000;
const PATIENCE_MS = 3000;
const SHOWN = 60;

const make = (tag, css, ...children) => {
  const element = document.createElement(tag);
  element.className = css;
  element.append(...children);
  return element;
};

const remembered = (name, fallback) => JSON.parse(sessionStorage.getItem(`strip.${name}`) ?? fallback);
const remember = (name, value) => sessionStorage.setItem(`strip.${name}`, JSON.stringify(value));

const figures = make('span', 'strip-figures');
const latest = make('span', 'strip-latest');
const away = make('span', 'strip-away');
const toggle = make('button', 'strip-toggle');
const onlyMine = make('input', '');
const list = make('div', 'strip-calls');
const whole = make('a', '', 'All calls and the training data');
const drawer = make(
  'div',
  'strip-drawer',
  make('div', 'strip-options', make('label', '', onlyMine, 'only this browser’s sessions'), whole),
  list,
);
const title = make('span', 'strip-title', make('span', '', 'Amazon Personalize received'));
const strip = make('aside', 'strip', make('div', 'strip-bar', title, away, figures, latest, toggle), drawer);
strip.setAttribute('aria-label', 'What Amazon Personalize received');
drawer.id = 'strip-drawer';
toggle.setAttribute('aria-controls', drawer.id);
onlyMine.type = 'checkbox';
onlyMine.checked = remembered('mine', 'true');
list.tabIndex = 0;
list.setAttribute('role', 'region');
list.setAttribute('aria-label', 'Calls, newest first');
away.setAttribute('role', 'status');
whole.href = EMULATOR;
whole.target = '_blank';
whole.rel = 'noopener';

const open = (isOpen) => {
  strip.classList.toggle('is-open', isOpen);
  toggle.textContent = isOpen ? 'Hide calls' : 'Show calls';
  toggle.setAttribute('aria-expanded', String(isOpen));
  remember('open', isOpen);
};

// Sessions of this tab: a sign-out begins another one.
const mine = new Set(remembered('sessions', '[]'));
const addMine = (id) => {
  mine.add(id);
  remember('sessions', [...mine].slice(-20));
  cards = new WeakMap();
  render();
};

/** An id as it is; no turn of its direction reaches what stands beside it. */
const isolated = (text) => make('bdi', '', String(text));

/** A moment with its date and zone. */
const MOMENT = new Intl.DateTimeFormat([], { dateStyle: 'medium', timeStyle: 'long', hour12: false });
const moment = (iso) => {
  const time = make('time', '', MOMENT.format(new Date(iso)));
  time.dateTime = iso;
  return time;
};

const isObject = (value) => typeof value === 'object' && value !== null;

let names = {};
/** Cards by call, made once; anew where what they say depends on has changed. */
let cards = new WeakMap();
let calls = [];
let lastCall = 0;

const thumbnail = (id) => {
  const image = make('img', '');
  image.src = `/static/art/${encodeURIComponent(id)}.svg`;
  image.alt = '';
  return image;
};

const fact = (name, value) => make('span', 'strip-fact', `${name} `, make('b', '', isolated(value)));

const eventRow = (event) => {
  const { eventType, itemId = '', eventValue, impression, recommendationId, metricAttribution } = event;
  const type = make('span', 'strip-type', isolated(eventType));
  type.dataset.type = eventType;
  const item = make('span', 'strip-item', isolated(names[itemId] ?? itemId));
  if (names[itemId]) {
    item.prepend(thumbnail(itemId));
  }
  const row = make('div', 'strip-event', type, item);
  if (Array.isArray(impression)) {
    const seen = impression.filter((id) => names[id]).slice(0, 10).map(thumbnail);
    row.append(make('span', 'strip-seen', `seen ${impression.length} `, ...seen));
  }
  if (recommendationId) {
    row.append(fact('recommendation', `${String(recommendationId).slice(0, 12)}…`));
  }
  if (metricAttribution) {
    row.append(fact('source', metricAttribution.eventAttributionSource));
  }
  if (eventValue !== undefined) {
    row.append(fact('value', String(eventValue)));
  }
  return row;
};

const whoOf = ({ userId }) => {
  const who = make('span', 'strip-user', userId ? isolated(`user ${userId}`) : 'anonymous');
  who.classList.toggle('is-known', Boolean(userId));
  return who;
};

const callCard = (call) => {
  const { n, time, status, body, error } = call;
  const result = make('span', 'strip-status', status === 200 ? '200' : `${status ?? 'no answer'} ${error ?? ''}`);
  result.classList.toggle('is-bad', status !== 200);
  const session = isolated(`${String(body.sessionId).slice(0, 8)}…`);
  const head = make(
    'div',
    'strip-head',
    make('b', '', `#${n} PutEvents`),
    result,
    moment(time),
    make('span', '', 'session ', session, mine.has(body.sessionId) ? ' (this browser)' : ''),
    whoOf(body),
  );
  return make('section', 'strip-call', head, ...body.eventList.map(eventRow));
};

const cardOf = (call) => {
  if (!cards.has(call)) {
    cards.set(call, callCard(call));
  }
  return cards.get(call);
};

const render = () => {
  const chosen = calls.filter(({ body }) => !onlyMine.checked || mine.has(body.sessionId)).slice(-SHOWN).reverse();
  const [newest] = chosen;
  if (newest) {
    const { sessionId, userId, eventList } = newest.body;
    const what = eventList.map(({ eventType, itemId }) => `${eventType} ${names[itemId] ?? itemId ?? ''}`).join(', ');
    latest.textContent = `session ${sessionId.slice(0, 8)}… · ${userId ? `user ${userId}` : 'anonymous'} · ${what}`;
  } else {
    latest.textContent = '';
  }
  if (strip.classList.contains('is-open')) {
    const empty = make('p', 'strip-empty', 'Nothing yet. Look at a product: its click arrives within five seconds.');
    list.replaceChildren(...(chosen.length ? chosen.map(cardOf) : [empty]));
  }
};

const ask = async (path) => {
  const answer = await fetch(`${EMULATOR}/_emulator/${path}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) {
    throw new Error(answer.statusText);
  }
  return answer;
};

const figure = (name, value, css = '') => make('span', css, make('b', '', value.toLocaleString()), ` ${name}`);

const showFigures = ({ calls: counts, events, events_per_call_mean: mean, sessions }) => {
  figures.replaceChildren(
    figure('calls', counts.PutEvents ?? 0),
    figure('events', events),
    figure('a call', Math.round(mean * 10) / 10, 'is-extra'),
    figure('sessions', sessions, 'is-extra'),
  );
};

/** What came may be anything: a call that makes no sense is shown for what it is, and hides no other. */
const asShown = (call) => {
  const body = isObject(call.body) ? call.body : {};
  const eventList = Array.isArray(body.eventList) ? body.eventList.filter(isObject) : [];
  return { ...call, body: { ...body, sessionId: String(body.sessionId ?? ''), eventList } };
};

/** What stays the same is not read out again. */
const say = (element, text) => {
  if (element.textContent !== text) {
    element.textContent = text;
  }
};

const poll = async () => {
  try {
    const stats = await (await ask('stats')).json();
    strip.classList.remove('is-away');
    say(away, '');
    showFigures(stats);
    if (stats.last_call < lastCall) {
      [calls, lastCall] = [[], 0]; // The emulator was started anew.
    }
    if (stats.last_call > lastCall) {
      const text = await (await ask(`calls?operation=PutEvents&after=${lastCall}&tail=500`)).text();
      const fresh = text.split('\n').filter(Boolean).map((line) => JSON.parse(line)).map(asShown);
      lastCall = Math.max(stats.last_call, fresh.at(-1)?.n ?? 0);
      calls = [...calls, ...fresh].slice(-500);
      if (fresh.length) {
        render();
      }
    }
  } catch {
    strip.classList.add('is-away');
    say(away, 'no answer: what is shown is old');
  }
};

const loop = async () => {
  if (!document.hidden) {
    await poll();
  }
  setTimeout(loop, POLL_MS);
};

toggle.addEventListener('click', () => {
  open(!strip.classList.contains('is-open'));
  render();
});
onlyMine.addEventListener('change', () => {
  remember('mine', onlyMine.checked);
  render();
});
document.body.append(strip);
// The page ends above the drawer, open or not: nothing one wants to press stays under it.
new ResizeObserver(() => {
  document.body.style.paddingBottom = `${strip.offsetHeight + 24}px`;
  document.documentElement.style.scrollPaddingBottom = `${strip.offsetHeight + 24}px`;
}).observe(strip);
if (navigator.webdriver && document.querySelector('[data-token]').dataset.debug === undefined) {
  away.textContent = 'this browser is driven by a program: nothing is sent';
}
open(remembered('open', 'false'));
fetch('/names.json').then((answer) => answer.json()).then((known) => {
  names = known;
  cards = new WeakMap();
  render();
}, () => {});
relay('session', addMine);
relay('on', 'session', addMine);
render();
loop();
