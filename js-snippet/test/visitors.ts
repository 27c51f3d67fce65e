import assert from 'node:assert/strict';
import { createCore } from '../src/tracker.js';
import { Browser, ENDPOINT, jwtOf, packedOf, readAll, type Sent, Tab, taken, tokenOf } from './world.js';

/**
 * People who share a browser do anything, in any order, and a model says whose every event is. The model knows what the
 * README promises, not how it is done: a page that was told a valid token sends as that user until it is told otherwise,
 * whatever else it is told, whatever the network, the clock and the site's storage do.
 *
 * The same lives in a real browser, slower and without a clock that is moved by hand: tests/browser/snippet/random_visitors.py.
 */

const HOSTS = ['www.shop.example', 'pay.shop.example'];
const USERS = ['alice', 'bob'];
/** What the sites' tokens are: a relay's, packed or not, or JWTs with more in them, or whose users are not in the claim of that name. */
const FORMS = ['relay', 'packed', 'sub', 'user'] as const;
const KINDS = ['valid', 'valid', 'valid', 'expired', 'forged'];
const IDLE_MS = 3000;
const FLUSH_MS = 40;
/** How long an answer is on its way, at most. */
const ANSWER_MS = 60;
/** The pages take turns in windows of time this long. */
const TURN_MS = 5;

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
const randomOf = (seed: number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

interface Kept {
  session: string;
  user: string | undefined;
  /** No binding may link it. */
  isNobodys?: boolean;
}

/** What a relay makes of beacons: whose each event is. */
class ModelRelay {
  /** Session → user. */
  bound = new Map<string, string>();
  /** By item. */
  events = new Map<string, Kept>();

  receive({ beacon }: Sent): Response {
    let session = beacon.sessionId;
    let user = this.bound.get(session);
    let result = 'none';
    let isNobodys = false;
    if (beacon.identity) {
      const [claims, kind] = readAll(beacon.identity);
      const { sub = claims.user as string, sid } = claims;
      const owner = this.bound.get(session) ?? sub;
      if (!kind.startsWith('valid')) {
        result = kind.startsWith('expired') ? 'expired' : 'invalid';
      } else if ((sid ?? session) !== session) {
        [result, user, isNobodys] = ['mismatch', undefined, true];
      } else {
        [result, user] = [owner === sub ? 'ok' : 'conflict', sub];
        session = owner === sub ? session : `${session} of ${sub}`;
        this.bound.set(session, user);
      }
    }
    const rejected: object[] = [];
    for (const [index, { eventId, itemId }] of (beacon.eventList as { eventId: string; itemId: string }[]).entries()) {
      if (this.events.has(itemId)) {
        rejected.push({ index, eventId, reason: 'duplicate' });
      } else {
        this.events.set(itemId, { session, user, isNobodys });
      }
    }
    return taken(result, rejected);
  }

  /** What was nobody's is linked by its session. */
  userOf({ session, user, isNobodys }: Kept) {
    return user ?? (isNobodys ? undefined : this.bound.get(session));
  }
}

/** A page, and what it was told. */
interface Page {
  tab: Tab;
  say: (...args: unknown[]) => unknown;
  told?: string | undefined;
  /** Its token names a session: after a break it is none. */
  isNamed?: boolean;
}

/** The browser, its pages, and the expectation. */
class Visitors {
  relay = new ModelRelay();
  log: string[] = [];
  /** Item → whose it has to be; undefined where a page was told nothing: it shares the session used last. */
  expected = new Map<string, string | undefined>();
  private pages: Page[] = [];
  private browsers = HOSTS.map(() => new Browser());
  private made = 0;
  private isOffline = false;
  private losesAnswers = false;

  private form: (typeof FORMS)[number];

  constructor(private random: () => number) {
    this.form = this.pick(FORMS);
    for (const browser of this.browsers) {
      browser.cookies = (this.browsers[0] as Browser).cookies;
    }
  }

  private pick<T>(all: readonly T[]): T {
    return all[Math.floor(this.random() * all.length)] as T;
  }

  /** Lets time pass for all pages together. */
  private async pass(ms: number) {
    for (let left = ms; left >= 0; left -= TURN_MS) {
      const turn = Math.min(left, TURN_MS);
      const [{ nowMs }] = this.browsers as [Browser];
      for (const { tab } of this.pages) {
        tab.browser.nowMs = nowMs;
        await tab.pass(turn);
      }
      for (const browser of this.browsers) {
        browser.nowMs = nowMs + turn;
      }
    }
  }

  async open() {
    const host = this.pick(HOSTS);
    const tab = new Tab(this.browsers[HOSTS.indexOf(host)] as Browser, host, this.random);
    const number = this.pages.length;
    tab.answer = async (sent) => {
      const answer = this.relay.receive(sent);
      this.log.push(`  page ${number}: ${JSON.stringify(sent.beacon)}`);
      const isLost = this.losesAnswers && this.random() < 0.4;
      const lateMs = this.random() < 0.5 ? 0 : this.random() * ANSWER_MS;
      await tab.after(lateMs);
      return isLost ? new Response('', { status: 503 }) : answer;
    };
    tab.onLine = !this.isOffline;
    const env = {
      ...tab.env,
      crypto: { getRandomValues: (words: BigUint64Array) => words.map(() => BigInt(Math.floor(this.random() * 1e17))) },
    };
    const core = createCore(env as never, {
      token: 'site',
      endpoint: ENDPOINT,
      flushMs: FLUSH_MS,
      sessionMinutes: IDLE_MS / 60_000,
    });
    this.pages.push({ tab, say: (...args) => core._call([tab.browser.nowMs, args]) });
    await this.pass(TURN_MS * 5);
  }

  private session({ say }: Page): string {
    let found = '';
    say('session', (id: string) => {
      found = id;
    });
    return found;
  }

  private event({ say, told, isNamed }: Page) {
    const itemId = `e${++this.made}`;
    this.log.push(itemId);
    this.expected.set(itemId, isNamed ? undefined : told);
    say('event', 'Click', { itemId });
  }

  private tell(page: Page) {
    const user = this.pick(USERS);
    const kind = this.pick(KINDS);
    const isNamed = this.form === 'relay' && kind === 'valid' && this.random() < 0.2;
    this.log.push(`${kind} ${user}${isNamed ? ' naming its session' : ''}`);
    const stamp = `${kind}${++this.made}`.padEnd(20, '_');
    const tokens = {
      relay: () => tokenOf(user, isNamed ? this.session(page) : undefined, stamp),
      packed: () => packedOf(user, undefined, stamp),
      sub: () => jwtOf({ sub: user, picture: 'https://shop.example/~~~???>>>', iat: this.made }, stamp),
      user: () => jwtOf({ user, iat: this.made }, stamp),
    };
    page.say('user', tokens[this.form]());
    if (kind === 'valid') {
      page.told = user;
      page.isNamed = isNamed;
    }
  }

  private logOut(page: Page) {
    const sessions = new Map(this.pages.filter(({ told }) => told).map((one) => [one, this.session(one)]));
    // Asked last: to ask is activity, and a page that was told nothing is in the session used last.
    const ended = this.session(page);
    this.log.push(`ends ${ended} of ${[...sessions.values()]}`);
    page.say('user', null);
    for (const other of this.pages) {
      if (other === page || sessions.get(other) === ended) {
        other.told = undefined;
      }
    }
  }

  private toggleNetwork() {
    this.isOffline = !this.isOffline;
    for (const { tab } of this.pages) {
      tab.onLine = !this.isOffline;
      tab.fire(this.isOffline ? 'offline' : 'online');
    }
  }

  private clearStorage({ tab }: Page) {
    for (const key of Object.keys(tab.browser.storage)) {
      delete tab.browser.storage[key];
    }
  }

  private async idle() {
    await this.pass(IDLE_MS + 200);
    for (const page of this.pages.filter(({ isNamed }) => isNamed)) {
      page.told = undefined;
    }
  }

  private async consent() {
    await this.settle();
    for (const isGiven of [false, true]) {
      for (const page of this.pages) {
        page.say('consent', isGiven);
        page.told = undefined;
      }
    }
    await this.pass(TURN_MS * 5);
    for (const page of this.pages) {
      this.session(page);
    }
  }

  /** Something happens, and little or no time passes. */
  async step() {
    const steps: [weight: number, step: (page: Page) => unknown][] = [
      [8, this.event],
      [5, this.tell],
      [1, this.logOut],
      [this.pages.length < 4 && !this.isOffline ? 1 : 0, this.open],
      [2, this.toggleNetwork],
      [1, this.toggleLosses],
      [1, this.clearStorage],
      [0.5, this.idle],
      [this.isOffline ? 0 : 0.3, this.consent],
    ];
    const step = this.pick(steps.flatMap(([weight, one]) => new Array(weight * 10).fill(one))) as (typeof steps)[0][1];
    const page = this.pick(this.pages);
    this.log.push(`page ${this.pages.indexOf(page)} of ${page.tab.hostname}: ${step.name}`);
    await step.call(this, page);
    await this.pass(this.pick([0, 0, TURN_MS, ANSWER_MS, 3 * ANSWER_MS]));
  }

  private toggleLosses() {
    this.losesAnswers = !this.losesAnswers;
  }

  /** The network is well, and everything has arrived. */
  async settle() {
    this.losesAnswers = false;
    if (this.isOffline) {
      this.toggleNetwork();
    }
    const waiting = () => this.browsers.map(({ storage }) => storage['_relay.events'] ?? '[]').join('');
    for (let tries = 0; waiting() !== '[][]' || this.relay.events.size < this.expected.size; tries++) {
      assert.ok(tries < 200, `still waiting: ${waiting()}\n${this.log.join('\n')}`);
      for (const { tab } of this.pages) {
        tab.fire('online');
      }
      await this.pass(1000);
    }
    await this.pass(1000);
  }

  /** Every event arrived, as whose it is, and no session is two users'. */
  judge() {
    const story = this.log.join('\n');
    assert.deepEqual([...this.relay.events.keys()].sort(), [...this.expected.keys()].sort(), story);
    const owners = new Map<string, string>();
    for (const [item, kept] of this.relay.events) {
      const user = this.relay.userOf(kept);
      const expected = this.expected.get(item);
      assert.ok(!expected || user === expected, `${item} is ${expected}'s, not ${user}'s\n${story}`);
      if (kept.user) {
        assert.equal(owners.get(kept.session) ?? kept.user, kept.user, story);
        owners.set(kept.session, kept.user);
      }
    }
  }
}

/** One browser's random life. */
export const visit = async (seed: number, steps: number): Promise<void> => {
  const visitors = new Visitors(randomOf(seed));
  await visitors.open();
  for (let step = 0; step < steps; step++) {
    await visitors.step();
  }
  await visitors.settle();
  visitors.judge();
};
