import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCore } from '../src/tracker.js';
import { open, openWithIdentity, TOKEN } from './opened.js';
import { Browser, ENDPOINT, packedOf, readAll, refused, type Sent, Tab, taken, tokenOf } from './world.js';

/** Pages one after the other whose backend makes a token for each session it is told, and a relay that takes its time. */
const askedFor = async (pages: (readonly [user: string, make: typeof tokenOf])[]) => {
  const browser = new Browser();
  const bound = new Map<string, string>();
  let asked = 0;
  for (const [user, make] of pages) {
    const tab = new Tab(browser);
    tab.answer = async ({ beacon: { identity, sessionId } }) => {
      await tab.after(500);
      if (!identity) {
        return taken();
      }
      const [{ sub = '', sid }] = readAll(identity);
      const owner = bound.get(sessionId) ?? sub;
      bound.set(sessionId, owner);
      return taken(sid !== sessionId ? 'mismatch' : owner === sub ? 'ok' : 'conflict');
    };
    const say = await open(tab, { flushMs: 10 });
    const mint = async (id: string) => {
      await tab.after(50);
      if (asked++ < 20) {
        say('user', make(user, id, `stamp${asked}`));
      }
    };
    say('on', 'session', mint);
    say('session', mint);
    await tab.pass(60);
    say('event', 'X');
    await tab.pass(600_000);
    assert.ok(asked < 8, `${asked}`);
    assert.equal(tab.events.length, 1);
    const [last] = tab.sent.slice(-1) as [Sent];
    assert.deepEqual(readAll(last.beacon.identity as string)[0], { sub: user, sid: last.beacon.sessionId });
  }
};

test('a login between two hides is told at the second', async () => {
  const tab = new Tab(new Browser());
  const say = await open(tab, { flushMs: 1e6 });
  tab.answer = () => new Promise(() => {});
  say('event', 'X');
  tab.fire('pagehide');
  say('user', TOKEN);
  tab.fire('pagehide');
  tab.fire('pagehide');
  assert.deepEqual(
    tab.sent.filter(({ atHide }) => atHide).map(({ beacon }) => beacon.identity),
    [undefined, TOKEN],
  );
});

for (const [how, answer] of [
  ['taken', () => taken('conflict')],
  ['put off', () => new Response('', { status: 503, headers: { 'retry-after': '60' } })],
  ['refused', () => refused()],
  ['called expired', () => taken('expired')],
] as const) {
  test(`after consent is withdrawn nothing is stored, though a beacon is ${how} later`, async () => {
    const { tab, say } = await openWithIdentity(() => new Response(`fresh.${TOKEN}`));
    let arrive = () => {};
    tab.answer = () =>
      new Promise((done) => {
        arrive = () => done(answer());
      });
    say('user', TOKEN);
    say('event', 'X');
    await tab.pass(1000);
    say('consent', false);
    arrive();
    await tab.pass(100_000);
    tab.hide();
    assert.deepEqual([tab.browser.storage, tab.browser.cookies.size, tab.sent.length], [{}, 0, 1]);
  });
}

test('a token that arrives after consent is withdrawn is not used', async () => {
  let hand = () => {};
  const { tab, say } = await openWithIdentity(
    () =>
      new Promise((done) => {
        hand = () => done(new Response(`late.${TOKEN}`));
      }),
  );
  tab.answer = () => taken('expired');
  say('user', TOKEN);
  await tab.pass(1000);
  say('consent', false);
  hand();
  await tab.pass(1000);
  assert.deepEqual([tab.browser.storage, tab.browser.cookies.size], [{}, 0]);
});

test('a token is sent with its own session only, and a logout flushes as the old user', async () => {
  const tab = new Tab(new Browser());
  const say = await open(tab, { flushMs: 1e6 });
  say('user', TOKEN);
  say('event', 'Mine');
  say('user', null);
  say('event', 'Nobodys');
  await tab.pass(0);
  say('flush');
  await tab.pass(0);
  const owner = new Map(tab.sent.map(({ beacon }) => [beacon.sessionId, beacon.identity]));
  assert.deepEqual([...owner.values()], [TOKEN, undefined]);
});

test('a conflict that never ends does not make requests without end', async () => {
  const tab = new Tab(new Browser());
  tab.answer = () => taken('conflict');
  const say = await open(tab, { flushMs: 10 });
  say('user', TOKEN);
  await tab.pass(60_000);
  assert.equal(tab.sent.length, 2);
});

for (const result of ['expired', 'mismatch']) {
  test(`a token that is ${result} is fetched again, in place of the old one`, async () => {
    const { tab, say, fetchedAt } = await openWithIdentity(() => new Response(`fresh.${TOKEN}`));
    tab.answer = ({ beacon }) => taken(beacon.identity === TOKEN ? result : 'ok');
    say('user', TOKEN);
    await tab.pass(1000);
    say('event', 'X');
    await tab.pass(100_000);
    assert.equal(fetchedAt.length, 1);
    assert.deepEqual(
      tab.sent.map(({ beacon }) => beacon.identity),
      [TOKEN, `fresh.${TOKEN}`, `fresh.${TOKEN}`],
    );
  });
}

test('after a session ended by itself its token does not fit, and the site is asked for one that does', async () => {
  const { tab, say, fetchedAt } = await openWithIdentity(() => new Response(`of-the-second.${TOKEN}`));
  let first: string | undefined;
  tab.answer = ({ beacon }) => {
    first ??= beacon.sessionId;
    return taken((beacon.sessionId === first) === (beacon.identity === TOKEN) ? 'ok' : 'mismatch');
  };
  say('user', TOKEN);
  await tab.pass(31 * 60_000);
  say('event', 'Back');
  await tab.pass(1000);
  assert.deepEqual([fetchedAt.length, tab.sent.at(-1)?.beacon.identity], [1, `of-the-second.${TOKEN}`]);
});

for (const [whose, pages] of [
  ['a user', [packedOf, packedOf]],
  ['a user whose last one was not', [tokenOf, packedOf]],
] as const) {
  test(`a backend that names each session in a packed token of ${whose} is not asked without end`, () =>
    askedFor(pages.map((make) => ['ada', make])));
}

test('a backend that names each session in a packed token of two users without a logout is not asked without end', () =>
  askedFor([
    ['ada', packedOf],
    ['bob', packedOf],
  ]));

test('tokens that never fit are asked for less and less often', async () => {
  let handed = 0;
  const { tab, say, fetchedAt } = await openWithIdentity(() => new Response(`${TOKEN}${handed++}`));
  tab.answer = ({ beacon }) => taken(beacon.identity ? 'mismatch' : 'none');
  for (let second = 0; second < 3600; second += 10) {
    say('user', `page${second}.${TOKEN}`); // an application that logs in over and over
    await tab.pass(10_000);
  }
  const gaps = fetchedAt.slice(1).map((ms, i) => ms - (fetchedAt[i] as number));
  assert.ok(gaps.length >= 4);
  assert.ok(
    gaps.every((gap, i) => gap >= 60_000 * 2 ** i),
    `${gaps}`,
  );
});

for (const [how, meanwhile, expected] of [
  ['after a logout', null, undefined],
  ['when the page has given one itself', `given.${TOKEN}`, `given.${TOKEN}`],
] as const) {
  test(`a token that arrives ${how} is not used`, async () => {
    let hand = (_: Response) => {};
    const { tab, say } = await openWithIdentity(
      () =>
        new Promise((done) => {
          hand = done;
        }),
    );
    tab.answer = ({ beacon }) => taken(beacon.identity === TOKEN ? 'expired' : 'none');
    say('user', TOKEN);
    await tab.pass(1000);
    say('user', meanwhile);
    hand(new Response(`late.${TOKEN}`));
    await tab.pass(1000);
    say('event', 'X');
    await tab.pass(1000);
    assert.equal(tab.sent.at(-1)?.beacon.identity, expected);
  });
}

test('a JWT as long as a relay takes it is sent, beside as many events as there is room for', async () => {
  const tab = new Tab(new Browser());
  const say = await open(tab, { flushMs: 1e6, flushSize: 999 });
  const jwt = 'j'.repeat(8192);
  say('user', `${jwt}j`);
  await tab.pass(0);
  assert.equal(tab.sent.length, 0);
  say('user', jwt);
  await tab.pass(0);
  assert.equal(tab.sent[0]?.beacon.identity, jwt);
  for (let i = 0; i < 25; i++) {
    say('event', 'X', { properties: '€'.repeat(900) });
  }
  say('event', 'Large', { properties: 'x'.repeat(49_000) });
  say('flush');
  await tab.pass(0);
  assert.ok(tab.sent.every(({ beacon, bytes }) => beacon.identity === jwt && bytes <= 65_536));
  assert.equal(tab.events.length, 26);
});

test('a login that fails is tried again though no event waits', async () => {
  const tab = new Tab(new Browser());
  tab.answer = () => new Response('', { status: 503 });
  const say = await open(tab);
  say('user', TOKEN);
  await tab.pass(0);
  tab.answer = () => taken('ok');
  await tab.pass(60_000);
  assert.equal(tab.sent.length, 2);
});

test('an identity endpoint that hands out expired tokens is asked once a minute', async () => {
  const tab = new Tab(new Browser());
  let fetched = 0;
  const relayAnswer = () => taken('expired');
  const env = tab.env;
  const relayFetch = env.fetch as unknown as (url: string, init: RequestInit) => Promise<Response>;
  env.fetch = (async (url: string, init: RequestInit) => {
    if (url === '/whoami') {
      fetched++;
      return new Response(`${TOKEN}${fetched}`);
    }
    return relayFetch(url, init);
  }) as typeof fetch;
  tab.answer = relayAnswer;
  const core = createCore(env, { token: 'site', endpoint: ENDPOINT, identityUrl: '/whoami' });
  await tab.pass(20);
  core._call([0, ['user', TOKEN]]);
  await tab.pass(30_000);
  assert.equal(fetched, 1);
  assert.ok(tab.sent.length <= 3);
});

test('an event waits for the page that knows whose it is, where another has written over that', async () => {
  const browser = new Browser();
  const [told, other] = [new Tab(browser), new Tab(browser)];
  const say = await open(told, { flushMs: 1000 });
  const sayElsewhere = await open(other, { flushMs: 10 });
  say('user', TOKEN);
  await told.pass(1500);
  told.onLine = false;
  say('user', tokenOf('alice', undefined, 'later'));
  say('event', 'X');
  browser.storage['_relay.users'] = '{}';
  sayElsewhere('flush');
  await other.pass(100);
  assert.deepEqual(other.events, []);
  told.onLine = true;
  await told.pass(2000);
  assert.deepEqual(
    told.sent.filter(({ beacon }) => beacon.eventList[0]).map(({ beacon }) => beacon.identity),
    [TOKEN],
  );
});

test('an event of which nobody says whose it is any more is sent after an hour', async () => {
  const browser = new Browser();
  const gone = new Tab(browser);
  const say = await open(gone, { flushMs: 1e6 });
  gone.onLine = false;
  say('user', TOKEN);
  say('event', 'X');
  browser.storage['_relay.users'] = '{}';
  const next = new Tab(browser);
  await open(next, { flushMs: 1000, sessionMinutes: 1e4 });
  await next.pass(3_590_000);
  assert.deepEqual(next.events, []);
  await next.pass(20_000);
  assert.equal(next.events.length, 1);
});

test('an event of a page that was told a user reads once what is known of users, and no token', async () => {
  const tab = new Tab(new Browser());
  const counts = { reads: 0, tokens: 0 };
  const localStorage = new Proxy(tab.browser.storage, {
    get(storage, name: string) {
      counts.reads += +(name === '_relay.users');
      return storage[name];
    },
  });
  const atob = (text: string) => {
    counts.tokens++;
    return globalThis.atob(text);
  };
  const env = Object.assign(tab.env, { localStorage: localStorage as unknown as Storage, atob });
  const core = createCore(env, { token: 'site', endpoint: ENDPOINT });
  await tab.pass(20);
  core._call([tab.browser.nowMs, ['user', TOKEN]]);
  await tab.pass(1000);
  core._call([tab.browser.nowMs, ['event', 'First']]); // has the timer set
  for (const name of ['Second', 'Third']) {
    Object.assign(counts, { reads: 0, tokens: 0 });
    core._call([tab.browser.nowMs, ['event', name]]);
    assert.deepEqual(counts, { reads: 1, tokens: 0 });
  }
});
