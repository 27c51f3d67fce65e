import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCore } from '../src/tracker.js';
import { open, wire } from './opened.js';
import { Browser, ENDPOINT, refused, Tab, taken } from './world.js';

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
