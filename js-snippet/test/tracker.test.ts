import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { FlushResult } from '../src/sending/delivery.js';
import { createCore } from '../src/tracker.js';
import { open, TOKEN } from './opened.js';
import { Browser, ENDPOINT, refused, Tab } from './world.js';

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

test('a flush says what was lost once, however often consent was given', async () => {
  const tab = new Tab(new Browser());
  tab.answer = () => refused();
  const say = await open(tab);
  for (const isGiven of [false, true, false, true]) {
    say('consent', isGiven);
    await tab.pass(100);
  }
  say('event', 'X');
  const results: FlushResult[] = [];
  say('flush', (result: FlushResult) => results.push(result));
  await tab.pass(1000);
  assert.deepEqual(
    results.map(({ lost }) => lost.map(({ reason, events }) => [reason, events])),
    [[['refused', 1]]],
  );
});
