import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createBus } from '../src/bus.js';
import type { Env } from '../src/env.js';
import { createCookies } from '../src/visitor/cookie.js';
import { createSession, type Session } from '../src/visitor/session.js';
import { createStore } from '../src/visitor/storage.js';
import { createUser } from '../src/visitor/user.js';
import { Browser, Tab, tokenOf } from './world.js';

const IDLE_MS = 30 * 60_000;

interface Page extends Session {
  _id(): string;
}

const create = (env: Env): Page => {
  const store = createStore(env, () => true);
  const user = createUser(env, store);
  const session = createSession(env, store, createCookies(env), createBus(env, undefined), user, IDLE_MS);
  return { ...session, _id: () => session._now()[0] };
};
const open = (tab: Tab): Page => create(tab.env);

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
      const first = (tabs[0] as Page)._id();
      for (const [tab, pause] of turns) {
        browser.nowMs += pause;
        assert.equal((tabs[tab] as Page)._id(), first);
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
    const torn = { ...new Tab(browser).env, localStorage: slow as unknown as Storage, document: {} as Document };
    const third = create(torn);
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
  checkout._logOut();
  const fresh = checkout._id();
  assert.notEqual(fresh, id);
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

const ALICE = tokenOf('alice');
const BOB = tokenOf('bob');

test('a second user has a session of their own, the same in all tabs that were told', () => {
  const browser = new Browser();
  const [first, second, third] = [1, 2, 3].map(() => open(new Tab(browser))) as [Page, Page, Page];
  first._logIn(ALICE);
  const alice = first._id();
  browser.nowMs += 1;
  second._logIn(BOB);
  const bob = second._id();
  assert.notEqual(bob, alice);
  browser.nowMs += 1;
  assert.equal(first._id(), alice);
  const later = tokenOf('bob', undefined, 'later');
  third._logIn(later);
  assert.ok(![alice, bob].includes(third._id()), 'until a relay has judged the token it is not to be theirs');
  third._proven(later);
  assert.equal(third._id(), bob);
  browser.nowMs += 1;
  third._logIn(ALICE);
  third._proven(ALICE);
  assert.equal(third._id(), alice);
});

test('a page that was told nothing shares the session used last', () => {
  const browser = new Browser();
  const [first, second, third] = [1, 2, 3].map(() => open(new Tab(browser))) as [Page, Page, Page];
  first._logIn(ALICE);
  browser.nowMs += 1;
  second._logIn(BOB);
  browser.nowMs += 1;
  assert.equal(third._id(), second._id());
  browser.nowMs += 1;
  const alice = first._id();
  assert.equal(third._id(), alice);
});

test('a logout ends its session for all pages, and no other', () => {
  const browser = new Browser();
  const [first, second, third] = [1, 2, 3].map(() => open(new Tab(browser))) as [Page, Page, Page];
  first._logIn(ALICE);
  second._logIn(BOB);
  third._logIn(BOB);
  const [alice, bob] = [first._id(), second._id()];
  browser.nowMs += 1;
  third._logOut();
  browser.nowMs += 1;
  assert.notEqual(second._now()[0], bob);
  assert.equal(second._now()[1], 0);
  assert.equal(first._id(), alice);
  assert.ok(first._now()[1]);
});

test('being told survives an idle break, on every subdomain that was told', () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ] as const) {
    const browser = new Browser();
    const pages = ['www', 'pay'].map((name) => {
      browser.storage = {};
      return open(new Tab(browser, `${name}.shop.example`));
    }) as [Page, Page];
    for (const page of pages) {
      page._logIn(ALICE);
    }
    const before = pages.map((page) => page._id());
    assert.equal(before[0], before[1]);
    const [, who] = pages[0]._now();
    browser.nowMs += IDLE_MS + 1;
    const after = order.map((i) => pages[i]._now());
    assert.equal(after[0]?.[0], after[1]?.[0]);
    assert.notEqual(after[0]?.[0], before[0]);
    assert.deepEqual(
      after.map((place) => place[1]),
      [who, who],
    );
  }
});

test('a token that names its session stays in it', () => {
  const session = open(new Tab(new Browser()));
  session._logIn(ALICE);
  const id = session._id();
  session._logIn(tokenOf('bob', id));
  assert.equal(session._id(), id);
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
