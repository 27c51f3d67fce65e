import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBus } from '../src/bus.js';
import { createDwell } from '../src/dwell.js';
import { watchLifecycle } from '../src/lifecycle.js';
import { Browser, Tab } from './world.js';

/** A watched element, in a page where the test says when the observer speaks. */
const open = () => {
  const tab = new Tab(new Browser());
  let callback: IntersectionObserverCallback = () => {};
  const env = tab.env;
  env.IntersectionObserver = class {
    constructor(given: IntersectionObserverCallback) {
      callback = given;
    }
    observe() {}
    unobserve() {}
  } as never;
  const bus = createBus(env, undefined);
  watchLifecycle(env, bus);
  const seen: Element[] = [];
  const element = {} as Element;
  const dwell = createDwell(env, bus);
  dwell._watch(element);
  bus._on('seen', (element) => seen.push(element));
  const observe = (isIntersecting: boolean) => {
    const whole = { width: 100, height: 100 };
    const entry = { target: element, isIntersecting, intersectionRect: whole, boundingClientRect: whole };
    callback([entry as never], undefined as never);
  };
  return { tab, dwell, element, seen, observe };
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
