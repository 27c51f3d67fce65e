import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createImpression } from '../src/watching/impressions.js';

const create = () => createImpression<number>({}, (a, b) => a - b);
const sights = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 120 });

test('an impression holds the last 25 items seen, once each, in order of place', () => {
  fc.assert(
    fc.property(sights, (places) => {
      const impression = create();
      for (const place of places) {
        impression._see(`p${place}`, place);
      }
      const latest = [...new Set([...places].reverse())].slice(0, 25).sort((a, b) => a - b);
      assert.deepEqual(
        impression._take(),
        latest.map((place) => `p${place}`),
      );
    }),
  );
});

test('the item clicked is always among them', () => {
  fc.assert(
    fc.property(sights, fc.integer({ min: 0, max: 60 }), (places, clicked) => {
      const impression = create();
      for (const place of [...places, clicked]) {
        impression._see(`p${place}`, place);
      }
      assert.ok(impression._take().includes(`p${clicked}`));
    }),
  );
});

test('what an event has carried is told no more, unless asked for all', () => {
  const impression = create();
  impression._see('p1', 1);
  impression._see('p2', 2);
  assert.deepEqual(impression._take(true), ['p1', 'p2']);
  assert.deepEqual(impression._take(true), []);
  impression._see('p1', 1);
  impression._see('p0', 0);
  assert.deepEqual(impression._take(true), ['p0']);
  assert.deepEqual(impression._take(), ['p0', 'p1', 'p2']);
});
