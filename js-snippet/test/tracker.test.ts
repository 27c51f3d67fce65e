import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RawOptions } from '../src/options.js';
import { createCore } from '../src/tracker.js';
import { Browser, ENDPOINT, refused, Tab, taken, tokenOf } from './world.js';

const wire = JSON.parse(readFileSync(new URL('../../../tests/contract/snippet.json', import.meta.url), 'utf8'));
const TOKEN = tokenOf('alice');

const open = async (tab: Tab, options: Partial<RawOptions> = {}) => {
  const core = createCore(tab.env, { token: 'site', endpoint: ENDPOINT, ...options });
  const say = (...args: unknown[]) => core._call([tab.browser.nowMs, args]);
  await tab.pass(20);
  return say;
};

test('a beacon has the fields of the wire and no others', async () => {
  const tab = new Tab(new Browser());
  const say = await open(tab);
  say('user', TOKEN);
  say('event', 'Purchase', { itemId: 'p1', eventValue: 19.9, properties: { price: 19.9 } });
  await tab.pass(10_000);
  const golden = JSON.parse(
    readFileSync(new URL('../../../tests/contract/beacons-taken.json', import.meta.url), 'utf8'),
  );
  const known = (pick: (beacon: { eventList: object[] }) => object[]) =>
    new Set(golden.flatMap(({ beacon }: { beacon: { eventList: object[] } }) => pick(beacon).flatMap(Object.keys)));
  assert.ok(tab.sent.length);
  for (const { beacon } of tab.sent) {
    assert.ok(Object.keys(beacon).every((name) => known((golden) => [golden]).has(name) || name === 'identity'));
    for (const event of beacon.eventList) {
      assert.ok(Object.keys(event).every((name) => known(({ eventList }) => eventList).has(name)));
    }
  }
});

test('every event arrives once by its id, in order, whatever the relay and the network do', async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ event: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ pass: fc.integer({ min: 0, max: 20_000 }) }) },
    { weight: 2, arbitrary: fc.record({ status: fc.constantFrom(...wire.retried, 0, 200, 202, 202) }) },
    { weight: 1, arbitrary: fc.constant({ hide: true }) },
    { weight: 1, arbitrary: fc.constant({ offline: true }) },
    { weight: 1, arbitrary: fc.constant({ reopen: true }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const browser = new Browser();
      const tabs: Tab[] = [];
      let status = 202;
      const newTab = async () => {
        const tab = new Tab(browser);
        tab.answer = () => {
          if (status === 0) {
            throw new TypeError('network');
          }
          return status === 202 ? taken() : new Response('<html>', { status });
        };
        tabs.push(tab);
        return [tab, await open(tab)] as const;
      };
      let [tab, say] = await newTab();
      const made: string[] = [];
      for (const now of steps as { [name: string]: number }[]) {
        if (now.event !== undefined) {
          for (let i = 0; i <= now.event; i++) {
            made.push(`p${made.length}`);
            say('event', 'Click', { itemId: made.at(-1) });
          }
        }
        await tab.pass(now.pass ?? 0);
        status = now.status ?? status;
        if (now.hide) {
          tab.hide();
        }
        if (now.offline) {
          tab.onLine = !tab.onLine;
          if (tab.onLine) {
            tab.fire('online');
          }
        }
        if (now.reopen) {
          [tab, say] = await newTab();
        }
      }
      status = 202;
      tab.onLine = true;
      tab.fire('online');
      await tab.pass(4_000_000);
      const ids = new Map(tabs.flatMap(({ events }) => events).map(({ eventId, itemId }) => [eventId, itemId]));
      assert.deepEqual([...ids.values()].sort(), made.sort());
      assert.equal(browser.storage['_relay.events'] ?? '[]', '[]');
    }),
    { numRuns: 60 },
  );
});

for (const status of wire.retried) {
  test(`a ${status} is tried again, later each time, for the same events`, async () => {
    const tab = new Tab(new Browser());
    const at: number[] = [];
    tab.answer = () => {
      at.push(tab.browser.nowMs);
      return new Response('', { status });
    };
    const say = await open(tab, { flushMs: 10 });
    say('event', 'X');
    await tab.pass(3_600_000);
    const gaps = at.slice(1).map((ms, i) => ms - (at[i] as number));
    assert.ok(gaps.length >= 8);
    assert.deepEqual(gaps.slice(0, 5), [1000, 2000, 4000, 8000, 16_000]);
    assert.ok(gaps.every((gap) => gap <= 300_000));
    assert.equal(new Set(tab.events.map(({ eventId }) => eventId)).size, 1);
  });
}

test('tries are spread by half to one and a half of the wait', async () => {
  for (const [random, gap] of [
    [0, 500],
    [0.999, 1499],
  ] as const) {
    const tab = new Tab(new Browser(), 'www.shop.example', () => random);
    const at: number[] = [];
    tab.answer = () => {
      at.push(tab.browser.nowMs);
      return new Response('', { status: 500 });
    };
    (await open(tab, { flushMs: 10 }))('event', 'X');
    await tab.pass(5000);
    assert.equal((at[1] as number) - (at[0] as number), gap);
  }
});

for (const flushMs of ['0', 'soon']) {
  test(`a time to wait of '${flushMs}' is none: the default counts`, async () => {
    const tab = new Tab(new Browser());
    (await open(tab, { flushMs }))('event', 'X');
    await tab.pass(4900);
    assert.equal(tab.sent.length, 0);
    await tab.pass(200);
    assert.equal(tab.sent.length, 1);
  });
}

for (const status of wire.given_up) {
  test(`a ${status} is given up and told`, async () => {
    const tab = new Tab(new Browser());
    tab.answer = () => refused(status);
    const say = await open(tab, { flushMs: 10 });
    say('event', 'X');
    await tab.pass(100_000);
    assert.equal(tab.sent.length, 1);
    tab.answer = () => taken();
    say('event', 'Y');
    await tab.pass(100);
    say('event', 'Z');
    await tab.pass(100);
    assert.deepEqual(
      tab.sent.map(({ beacon }) => beacon.lost),
      [undefined, { refused: 1 }, undefined],
    );
    assert.ok(Object.keys(tab.sent[1]?.beacon.lost ?? {}).every((reason) => wire.lost.includes(reason)));
  });
}

test('every word of a relay is final', async () => {
  for (const word of wire.words) {
    const tab = new Tab(new Browser());
    tab.answer = () => refused(400, word);
    (await open(tab, { flushMs: 10 }))('event', 'X');
    await tab.pass(100_000);
    assert.equal(tab.sent.length, 1, word);
  }
});

for (const [what, answer] of [
  ['a word without the detail', () => new Response('{"error":"not_found"}', { status: 404 })],
  ['a page of a CDN', () => new Response('<html>', { status: 403 })],
  ['JSON of somebody else', () => new Response('{"error":"Forbidden","message":"no"}', { status: 403 })],
  ['an empty body', () => new Response('', { status: 400 })],
  [
    'a body cut off',
    () => new Response(new ReadableStream({ start: (body) => body.error(new Error('cut')) }), { status: 400 }),
  ],
] as const) {
  test(`a refusal that is ${what} is no relay's: the events are sent again`, async () => {
    const tab = new Tab(new Browser());
    tab.answer = answer;
    const say = await open(tab, { flushMs: 10 });
    say('event', 'X');
    await tab.pass(500);
    assert.equal(tab.sent.length, 1);
    tab.answer = () => taken();
    await tab.pass(10_000);
    assert.equal(tab.sent.length, 2);
    assert.equal(new Set(tab.events.map(({ eventId }) => eventId)).size, 1);
  });
}

test('where a proxy takes less, beacons become smaller', async () => {
  const tab = new Tab(new Browser());
  tab.answer = ({ bytes }) => (bytes > 9000 ? new Response('<html>', { status: 413 }) : taken());
  const say = await open(tab, { flushMs: 10 });
  for (let i = 0; i < 40; i++) {
    say('event', 'X', { properties: 'x'.repeat(900) });
  }
  await tab.pass(600_000);
  assert.equal(new Set(tab.events.map(({ eventId }) => eventId)).size, 40);
  assert.equal(tab.browser.storage['_relay.events'], '[]');
});

test('an event that comes while the lock is given back is not forgotten', async () => {
  const tab = new Tab(new Browser());
  let giveBack = () => {};
  const { env } = tab;
  const request = async (_: string, work: () => Promise<unknown>) => {
    await work();
    await new Promise<void>((done) => {
      giveBack = done;
    });
  };
  const navigator = { locks: { request } } as never;
  const core = createCore({ ...env, navigator }, { token: 'site', endpoint: ENDPOINT, flushSize: 1 });
  await tab.pass(20);
  core._call([0, ['event', 'X']]);
  await tab.pass(0);
  core._call([0, ['event', 'Y']]);
  await tab.pass(0);
  giveBack();
  await tab.pass(5000);
  assert.deepEqual(
    tab.events.map(({ eventType }) => eventType),
    ['X', 'Y'],
  );
});

test('Retry-After holds for all tabs and at hide, within an hour', async () => {
  const browser = new Browser();
  const tab = new Tab(browser);
  tab.answer = () => new Response('', { status: 503, headers: { 'retry-after': '120' } });
  const say = await open(tab, { flushMs: 10 });
  say('event', 'X');
  await tab.pass(1000);
  tab.hide();
  const next = new Tab(browser);
  await open(next, { flushMs: 10 });
  await next.pass(100_000);
  assert.equal(tab.sent.length + next.sent.length, 1);
  await next.pass(30_000);
  assert.equal(next.sent.length, 1);
  browser.storage['_relay.retry'] = `${browser.nowMs + 86_400_000}`;
  (await open(next, { flushMs: 10 }))('event', 'Y');
  await next.pass(100);
  assert.equal(next.sent.length, 2);
});

test('at hide beacons stay within what the browser has left, in bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 65_536 }), async (budget) => {
      const tab = new Tab(new Browser());
      const say = await open(tab, { flushMs: 1e6, flushSize: 999 });
      tab.beaconBudget = budget;
      for (let i = 0; i < 40; i++) {
        say('event', 'X', { properties: '€'.repeat(900) });
      }
      tab.hide();
      assert.ok(tab.sent.every(({ bytes, atHide }) => atHide && bytes <= budget));
      assert.equal(new Set(tab.events.map(({ eventId }) => eventId)).size, tab.events.length);
      if (budget > 20_000) {
        assert.ok(tab.events.length);
      }
    }),
    { numRuns: 30 },
  );
});

test('what is in flight takes its part of the budget at hide', async () => {
  const tab = new Tab(new Browser(), 'www.other.example');
  tab.answer = () => new Promise(() => {});
  const say = await open(tab, { flushMs: 1e6, flushSize: 999, endpoint: 'https://events.shop.test/r/e' });
  for (let i = 0; i < 15; i++) {
    say('event', 'X', { properties: '€'.repeat(900) });
  }
  say('flush');
  await tab.pass(0);
  for (let i = 0; i < 10; i++) {
    say('event', 'X', { properties: '€'.repeat(900) });
  }
  tab.fire('pagehide');
  await tab.pass(0);
  assert.ok(tab.sent.length > 1);
  assert.ok(tab.sent.reduce((sum, { bytes }) => sum + bytes, 0) <= 65_536);
});

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

test('across sites, where filter lists block sendBeacon, it is fetch at hide too', async () => {
  const tab = new Tab(new Browser(), 'www.other.example');
  const say = await open(tab, { flushMs: 1e6, endpoint: 'https://events.shop.test/r/e' });
  say('event', 'X');
  tab.hide();
  await tab.pass(0);
  assert.deepEqual(
    tab.sent.map(({ atHide }) => atHide),
    [false],
  );
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

/** A tab whose site hands out identity tokens. */
const openWithIdentity = async (hand: () => Response | Promise<Response>) => {
  const tab = new Tab(new Browser());
  const env = tab.env;
  const relayFetch = env.fetch as unknown as (url: string, init: RequestInit) => Promise<Response>;
  const fetchedAt: number[] = [];
  env.fetch = (async (url: string, init: RequestInit) => {
    if (url !== '/whoami') {
      return relayFetch(url, init);
    }
    fetchedAt.push(tab.browser.nowMs);
    return hand();
  }) as typeof fetch;
  const core = createCore(env, { token: 'site', endpoint: ENDPOINT, flushMs: 10, identityUrl: '/whoami' });
  await tab.pass(20);
  const say = (...args: unknown[]) => core._call([tab.browser.nowMs, args]);
  return { tab, say, fetchedAt };
};

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

test('a bot, or a visitor with Global Privacy Control, leaves no trace', async () => {
  for (const navigator of [{ webdriver: true }, { globalPrivacyControl: true }]) {
    const tab = new Tab(new Browser());
    const env = { ...tab.env, navigator: { ...tab.env.navigator, ...navigator } };
    const core = createCore(env, { token: 'site', endpoint: ENDPOINT });
    core._call([0, ['event', 'X']]);
    await tab.pass(10_000);
    tab.hide();
    assert.deepEqual([tab.sent, tab.browser.storage, tab.browser.cookies.size], [[], {}, 0]);
  }
});

test('a prerendered page begins when it is shown', async () => {
  const tab = new Tab(new Browser());
  tab.document.prerendering = true;
  const say = await open(tab, { flushMs: 10 });
  say('event', 'X');
  await tab.pass(1000);
  assert.deepEqual([tab.sent, tab.browser.storage], [[], {}]);
  tab.document.prerendering = false;
  tab.fire('prerenderingchange');
  await tab.pass(1000);
  assert.equal(tab.events.length, 1);
});

test('the item clicked longest ago is forgotten first, and all after the time set', async () => {
  const tab = new Tab(new Browser());
  const say = await open(tab, { flushMs: 10, attributionMinutes: 1 });
  for (let i = 0; i < 51; i++) {
    say('event', 'Click', { itemId: `p${i}`, recommendationId: `R${i}` });
  }
  say('event', 'Buy', { itemId: 'p0' });
  say('event', 'Buy', { itemId: 'p1' });
  await tab.pass(60_001);
  say('event', 'Buy', { itemId: 'p2' });
  await tab.pass(100);
  const buys = tab.events.filter(({ eventType }) => eventType === 'Buy') as { recommendationId?: string }[];
  assert.deepEqual(
    buys.map(({ recommendationId }) => recommendationId),
    [undefined, 'R1', undefined],
  );
});

test('in debug mode the console says what was recorded, sent, refused and lost', async () => {
  const tab = new Tab(new Browser());
  const say = await open(tab, { debug: '', flushMs: 10 });
  say('event', 'X');
  await tab.pass(100);
  tab.answer = () => refused();
  say('event', 'Y');
  await tab.pass(100);
  say('session', 'no function');
  const topics = tab.logged.map(([, topic]) => topic);
  for (const topic of ['session', 'event', 'sent', 'lost', 'error']) {
    assert.ok(topics.includes(topic), topic);
  }
});

test('what a relay rejects is handed to the page, but duplicates are not', async () => {
  const tab = new Tab(new Browser());
  tab.answer = ({ beacon }) => {
    const rejected = beacon.eventList.map(({ eventId }, index) => ({
      index,
      eventId,
      reason: index ? 'duplicate' : 'too_long',
    }));
    return new Response(JSON.stringify({ accepted: 0, rejected, identity: 'none' }), { status: 202 });
  };
  const say = await open(tab);
  const heard: string[] = [];
  say('on', 'rejected', ({ reason }: { reason: string }) => heard.push(reason));
  say('event', 'X');
  say('event', 'Y');
  let result: { rejected: unknown[]; pending: number } | undefined;
  say('flush', (flushed: typeof result) => {
    result = flushed;
  });
  await tab.pass(0);
  assert.deepEqual(heard, ['too_long']);
  assert.equal(result?.rejected.length, 1);
  assert.equal(result?.pending, 0);
});
