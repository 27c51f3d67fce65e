import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBus } from '../src/bus.js';
import { watchLifecycle } from '../src/sending/lifecycle.js';
import { createDwell } from '../src/watching/dwell.js';
import { Browser, Tab } from './world.js';

/** Watched elements, in a page where the test says where they are. */
const open = (count = 1, sizePx = 100) => {
  const tab = new Tab(new Browser());
  let callback: IntersectionObserverCallback = () => {};
  let isIntersecting: boolean | undefined;
  const seen: Element[] = [];
  /** When the observer was asked. */
  const looks: number[] = [];
  const elements = Array.from({ length: count }, () => ({
    isConnected: true,
    children: [],
    getAttribute: (name: string) => (name === 'data-relay-item' ? 'p1' : null),
    closest: () => null,
    contains: () => true,
    parentElement: null,
  })) as unknown as [Element, ...Element[]];
  const [element] = elements;
  const speak = (target: Element) => {
    const whole = { width: sizePx, height: sizePx };
    const entry = {
      target,
      time: tab.browser.nowMs,
      isIntersecting,
      intersectionRect: whole,
      boundingClientRect: whole,
    };
    callback([entry as never], undefined as never);
  };
  const env = tab.env;
  env.screen = { height: 600 };
  const clock = { aheadMs: 0 };
  env.Date = { now: () => tab.browser.nowMs + clock.aheadMs };
  env.IntersectionObserver = class {
    constructor(given: IntersectionObserverCallback) {
      callback = given;
    }
    observe(target: Element) {
      looks.push(tab.browser.nowMs);
      if (isIntersecting !== undefined) {
        env.setTimeout((() => speak(target)) as never, 0);
      }
    }
    unobserve() {}
  } as never;
  Object.assign(tab.document, { elementsFromPoint: () => [element], querySelectorAll: () => [] });
  const bus = createBus(env, (topic, data) => topic === 'error' && assert.fail(data as Error));
  watchLifecycle(env, bus);
  const dwell = createDwell(env, bus);
  elements.forEach(dwell._watch);
  bus._on('seen', (element) => seen.push(element));
  const observe = (isIn: boolean) => {
    isIntersecting = isIn;
    elements.forEach(speak);
  };
  return { tab, dwell, element, seen, looks, clock, observe };
};

const show = (tab: Tab) => {
  tab.document.hidden = false;
  tab.fire('visibilitychange');
};

test('an element visible for a second is seen, once', async () => {
  const { tab, seen, observe } = open();
  observe(true);
  await tab.pass(999);
  assert.equal(seen.length, 0);
  await tab.pass(10_000);
  assert.equal(seen.length, 1);
});

test('what leaves within the second is not seen', async () => {
  const { tab, seen, observe } = open();
  observe(true);
  await tab.pass(999);
  observe(false);
  await tab.pass(10_000);
  assert.equal(seen.length, 0);
});

test('what the observer still says after the page was hidden counts from when it is shown', async () => {
  const { tab, seen, observe } = open();
  tab.hide();
  observe(true);
  await tab.pass(10_000);
  assert.equal(seen.length, 0);
  show(tab);
  await tab.pass(999);
  assert.equal(seen.length, 0);
  await tab.pass(1);
  assert.equal(seen.length, 1);
});

test('what the observer says of a prerendered page counts from when it is shown', async () => {
  const { tab, seen, observe } = open();
  tab.document.hidden = true; // as the platform has it while prerendering
  tab.document.prerendering = true;
  observe(true);
  await tab.pass(10_000);
  assert.equal(seen.length, 0);
  tab.document.prerendering = false;
  tab.fire('prerenderingchange');
  show(tab);
  await tab.pass(1000);
  assert.equal(seen.length, 1);
});

test('what left while the page was hidden is not seen when it is shown', async () => {
  const { tab, seen, observe } = open();
  observe(true);
  tab.hide();
  observe(false);
  show(tab);
  await tab.pass(10_000);
  assert.equal(seen.length, 0);
});

test('what is watched no more is not seen', async () => {
  const { tab, dwell, element, seen, observe } = open();
  observe(true);
  dwell._unwatch(element);
  await tab.pass(10_000);
  assert.equal(seen.length, 0);
});

for (const aheadMs of [-3_600_000, 3_600_000]) {
  test(`a second is one though the visitor's clock is set by ${aheadMs} ms in it`, async () => {
    const { tab, seen, clock, observe } = open();
    observe(true);
    await tab.pass(500);
    clock.aheadMs = aheadMs;
    observe(true);
    await tab.pass(499);
    assert.equal(seen.length, 0);
    await tab.pass(10);
    assert.equal(seen.length, 1);
  });
}

for (const [count, mostMs] of [
  [1, 300],
  [30, 300],
  [100, 1200],
  [500, 4800],
] as const) {
  test(`${count} that cannot be seen are looked at together, every ${mostMs} ms`, async () => {
    const { tab, looks, observe } = open(count, 0);
    observe(true);
    await tab.pass(2 * mostMs);
    looks.splice(0);
    await tab.pass(4 * mostMs);
    assert.deepEqual([new Set(looks).size, looks.length], [4, 4 * count]);
  });
}
