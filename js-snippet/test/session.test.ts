import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createBus } from '../src/bus.js';
import { createSession, type Session } from '../src/session.js';
import { createStore } from '../src/storage.js';
import { Browser, Tab } from './world.js';

const IDLE_MS = 30 * 60_000;

const open = (tab: Tab, idled: string[] = []): Session =>
  createSession(
    tab.env,
    createStore(tab.env, () => true),
    createBus(tab.env, undefined),
    IDLE_MS,
    (before, after) => idled.push(before, after),
  );

test('ids have 128 random bits and the form the relay takes', () => {
  const ids = Array.from({ length: 200 }, () => open(new Tab(new Browser()))._id());
  assert.equal(new Set(ids).size, 200);
  for (const id of ids) {
    assert.match(id, /^\d{16,40}$/);
  }
});

test('activity keeps a session, idle time ends it, whatever the pauses', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 * IDLE_MS }), { maxLength: 20 }), (pauses) => {
      const browser = new Browser();
      const session = open(new Tab(browser));
      let id = session._id();
      for (const pause of pauses) {
        browser.nowMs += pause;
        const now = session._id();
        assert.equal(now === id, pause <= IDLE_MS);
        id = now;
      }
    }),
  );
});

test('tabs that take turns have one session, to a sixtieth of the idle time', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 0, max: IDLE_MS - IDLE_MS / 60 }))), (turns) => {
      const browser = new Browser();
      const tabs = [0, 1, 2].map(() => open(new Tab(browser)));
      const first = (tabs[0] as Session)._id();
      for (const [tab, pause] of turns) {
        browser.nowMs += pause;
        assert.equal((tabs[tab] as Session)._id(), first);
      }
    }),
  );
});

for (const [host, domain] of [
  ['www.shop.example', '.shop.example'],
  ['shop.example', '.shop.example'],
  ['a.b.shop.co.uk', '.shop.co.uk'],
  ['localhost', '.localhost'],
  ['127.0.0.1', '.127.0.0.1'],
] as const) {
  test(`the cookie of ${host} is set on ${domain}`, () => {
    const browser = new Browser();
    for (const suffix of ['1', '0.1', '0.0.1']) {
      browser.publicSuffixes.add(suffix);
    }
    const session = open(new Tab(browser, host));
    session._id();
    assert.deepEqual([...browser.cookies.keys()], [`${domain}|_relay.session`]);
    session._forget();
    assert.equal(browser.cookies.size, 0);
  });
}

test('two pages that begin at the very same moment agree on one session, in whatever order they write', () => {
  for (const laterMs of [0, 1]) {
    const browser = new Browser();
    const stored = browser.storage;
    const first = open(new Tab(browser));
    const second = open(new Tab(browser));
    let isFirstWrite = true;
    browser.storage = stored;
    const slow = new Proxy(stored, {
      set(target, name: string, value: string) {
        if (isFirstWrite) {
          // The other page looks, finds nothing, and writes: after this one has taken its time, before it has written.
          isFirstWrite = false;
          browser.nowMs += laterMs;
          second._id();
        }
        target[name] = value;
        return true;
      },
    });
    const torn = { ...new Tab(browser).env, localStorage: slow as unknown as Storage, document: undefined as never };
    const third = createSession(
      torn,
      createStore(torn, () => true),
      createBus(torn, undefined),
      IDLE_MS,
      () => {},
    );
    third._id();
    browser.cookies.clear();
    browser.nowMs += 20;
    const ids = [third._id(), second._id(), first._id()];
    assert.equal(new Set(ids).size, 1, `${laterMs} ms later`);
  }
});

test('subdomains share the session, and a logout on one ends it on the other', () => {
  const browser = new Browser();
  const shop = open(new Tab(browser, 'www.shop.example'));
  const id = shop._id();
  browser.storage = {}; // another origin has its own
  const checkout = open(new Tab(browser, 'checkout.shop.example'));
  assert.equal(checkout._id(), id);
  browser.nowMs += 1;
  const fresh = checkout._renew();
  browser.nowMs += 1;
  assert.equal(shop._id(), fresh);
});

test('a clock that was years ahead does not keep a session for years', () => {
  const browser = new Browser();
  const session = open(new Tab(browser));
  const id = session._id();
  browser.nowMs -= 365 * 86_400_000;
  assert.notEqual(session._id(), id);
});

test('idle time is told with the session before, a logout is not', () => {
  const browser = new Browser();
  const idled: string[] = [];
  const session = open(new Tab(browser), idled);
  const id = session._id();
  assert.equal(idled[0], '');
  browser.nowMs += IDLE_MS + 1;
  const next = session._id();
  assert.deepEqual(idled.slice(2), [id, next]);
  session._renew();
  assert.equal(idled.length, 4);
});

for (const junk of [
  '',
  'x',
  'null.1',
  `${'a'.repeat(300)}.5`,
  '<script>.5',
  '0123456789abcdef.zz',
  '0123456789abcdef',
]) {
  test(`a stored session of ${JSON.stringify(junk.slice(0, 20))} is none`, () => {
    const browser = new Browser();
    browser.storage['_relay.session'] = junk;
    browser.cookies.set('.shop.example|_relay.session', junk);
    assert.match(open(new Tab(browser))._id(), /^\d{16,40}$/);
  });
}
