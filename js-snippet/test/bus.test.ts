import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBus } from '../src/bus.js';
import { Browser, Tab } from './world.js';

const open = () => {
  const tab = new Tab(new Browser());
  const errors: unknown[] = [];
  const bus = createBus(tab.env, (topic, data) => topic === 'error' && errors.push((data as Error).message));
  return { tab, bus, errors };
};
const fail = () => {
  throw new Error('thrown');
};
const reject = () => Promise.reject(new Error('rejected'));

test('what is thrown on the way in, at once or later, is said and goes no further', async () => {
  const { tab, bus, errors } = open();
  assert.equal(await bus._enter(fail)(), undefined);
  assert.equal(await bus._enter(reject)(), undefined);
  for (const work of [fail, reject]) {
    bus._later(work, 10);
    bus._listen('online', work);
  }
  await tab.pass(10);
  tab.fire('online');
  await tab.pass(0);
  assert.deepEqual(errors, Array(3).fill(['thrown', 'rejected']).flat());
});

test('what works gives its result, and begins at once', async () => {
  const { bus } = open();
  let begun = 0;
  const result = bus._enter((by: number) => {
    begun += by;
    return Promise.resolve('done');
  })(2);
  assert.equal(begun, 2);
  assert.equal(await result, 'done');
});

test('one listener that throws, or rejects, does not stop the next', async () => {
  const { bus, errors } = open();
  const heard: string[] = [];
  bus._on('session', fail);
  bus._on('session', reject as never);
  bus._on('session', (id) => heard.push(id));
  bus._emit('session', 'x');
  assert.deepEqual(heard, ['x']);
  await new Promise(setImmediate);
  assert.deepEqual(errors, ['thrown', 'rejected']);
});

test('without a debug mode errors vanish', async () => {
  const bus = createBus(new Tab(new Browser()).env, undefined);
  assert.equal(await bus._enter(reject)(), undefined);
});
