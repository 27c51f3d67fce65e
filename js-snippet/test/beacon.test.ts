import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Entry, RelayEvent } from '../src/event.js';
import { byteLength } from '../src/json.js';
import { takeBeaconful } from '../src/sending/beacon.js';

const entry = fc
  .tuple(fc.constantFrom('session-a', 'session-b', 'session-c'), fc.string({ unit: 'grapheme', maxLength: 400 }))
  .map(([sessionId, text]): Entry => [sessionId, { eventId: text, eventType: 'Note', sentAt: 0, properties: text }]);

test('a beaconful never exceeds its bytes, holds one session, and keeps the order', () => {
  fc.assert(
    fc.property(fc.array(entry), fc.integer({ min: 100, max: 5000 }), (entries, maxBytes) => {
      const taken = takeBeaconful(entries, maxBytes);
      assert.ok(Buffer.byteLength(JSON.stringify(taken).slice(1)) <= maxBytes || !taken.length);
      const ofSession = entries.filter(([sessionId]) => sessionId === entries[0]?.[0]).map(([, event]) => event);
      assert.deepEqual(taken, ofSession.slice(0, taken.length));
    }),
  );
});

test('a beaconful leaves nothing behind that would have fitted', () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1 }), fc.integer({ min: 100, max: 5000 }), (entries, maxBytes) => {
      const taken = takeBeaconful(entries, maxBytes);
      const next = entries.filter(([sessionId]) => sessionId === entries[0]?.[0])[taken.length];
      const bytes = taken.reduce((sum, event) => sum + byteLength(event) + 1, 0);
      assert.ok(!next || bytes + byteLength(next[1]) + 1 > maxBytes);
    }),
  );
});

test('sending beaconful after beaconful sends every event once', () => {
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      let left: Entry[] = entries;
      const sent: RelayEvent[] = [];
      while (left.length) {
        const taken = takeBeaconful(left, 10_000);
        assert.ok(taken.length);
        sent.push(...taken);
        left = left.filter(([, event]) => !taken.includes(event));
      }
      assert.equal(sent.length, entries.length);
      assert.deepEqual(new Set(sent), new Set(entries.map(([, event]) => event)));
    }),
  );
});

test('the budget counts bytes, not characters', () => {
  assert.equal(byteLength('€'), 5);
});
