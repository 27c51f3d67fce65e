import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createBus } from '../src/bus.js';
import { createOutbox } from '../src/sending/outbox.js';
import { createStore } from '../src/visitor/storage.js';
import { Browser, Tab } from './world.js';

const open = (browser = new Browser()) => {
  const { env } = new Tab(browser);
  const bus = createBus(env, undefined);
  let made = 10_000;
  const lost: { reason: string; events: number }[] = [];
  bus._on('lost', (loss) => lost.push(loss));
  const outbox = createOutbox(
    createStore(env, () => true),
    bus,
  );
  const add = (properties: string) =>
    outbox._add(['0123456789abcdef', { eventId: `${browser.nowMs}${made++}`, eventType: 'X', sentAt: 0, properties }]);
  const waiting = () => outbox._entries().map(([, event]) => event.properties);
  return { outbox, add, waiting, lost, browser };
};

test('it keeps the order of events, in one tick and over ticks, and what other tabs put in', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(3)), { maxLength: 150 }), (steps) => {
      const browser = new Browser();
      const tabs = [open(browser), open(browser)] as const;
      const expected = steps.map(([isSecond, pause], i) => {
        browser.nowMs += pause + 1;
        tabs[isSecond ? 1 : 0].add(`${i}`);
        return `${i}`;
      });
      assert.deepEqual(tabs[0].waiting(), expected);
    }),
  );
  const { add, waiting } = open();
  const many = Array.from({ length: 150 }, (_, i) => `${i}`);
  many.forEach(add);
  assert.deepEqual(waiting(), many);
});

test('it never holds more than 200 events or 128 KiB, keeps the newest, and counts the rest', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 9000 }), { maxLength: 60 }), (texts) => {
      const { add, waiting, lost, outbox } = open();
      for (const text of texts) {
        add(text);
      }
      assert.ok(Buffer.byteLength(JSON.stringify(outbox._entries())) <= 131_072);
      assert.deepEqual(waiting(), texts.slice(texts.length - waiting().length));
      const dropped = texts.length - waiting().length;
      assert.equal(
        lost.reduce((sum, { events }) => sum + events, 0),
        dropped,
      );
      assert.deepEqual(outbox._lost(), dropped ? { outbox_full: dropped } : undefined);
    }),
    { numRuns: 30 },
  );
  const { add, waiting } = open();
  for (let i = 0; i < 230; i++) {
    add(`${i}`);
  }
  assert.equal(waiting().length, 200);
  assert.equal(waiting()[0], '30');
});

test('an event that no beacon can carry is given up at once', () => {
  const { add, waiting, outbox } = open();
  add('€'.repeat(30_000));
  assert.deepEqual(waiting(), []);
  assert.deepEqual(outbox._lost(), { too_large: 1 });
  outbox._told({ too_large: 1 });
  assert.equal(outbox._lost(), undefined);
});

test('a loss that no relay has heard of stays counted', () => {
  const { add, outbox } = open();
  add('€'.repeat(30_000));
  const told = outbox._lost();
  add('€'.repeat(30_000));
  outbox._told(told);
  assert.deepEqual(outbox._lost(), { too_large: 2 });
});

test('junk under its names is passed over', () => {
  const { add, waiting, browser } = open();
  for (const [i, junk] of ['', '{', 'null', '7', '[]', '["s"]', '["s",{}]'].entries()) {
    browser.storage[`_relay.event.${i}`] = junk;
  }
  add('good');
  assert.deepEqual(waiting(), ['good']);
});

test('where the quota is used up, it goes on in memory', () => {
  const browser = new Browser();
  let isFull = false;
  browser.storage = new Proxy({} as Record<string, string>, {
    set(target, name: string, value: string) {
      if (isFull) {
        throw new DOMException('full', 'QuotaExceededError');
      }
      target[name] = value;
      return true;
    },
  });
  const { add, waiting } = open(browser);
  add('stored');
  isFull = true;
  add('kept');
  add('kept too');
  assert.deepEqual(waiting(), ['stored', 'kept', 'kept too']);
});
