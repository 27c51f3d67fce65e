import { deflateSync, inflateSync } from 'node:zlib';
import type { Env } from '../src/env.js';

/** One browser: what its tabs share. */
export class Browser {
  nowMs = Date.UTC(2026, 10, 22);
  storage: Record<string, string> = {};
  /** Those that hear what is said on the one channel there is. */
  channels: { onmessage?: (message: object) => void }[] = [];
  cookies = new Map<string, string>();
  /** Domains nobody can own. */
  publicSuffixes = new Set(['example', 'co.uk', 'uk']);
}

export interface Sent {
  url: string;
  beacon: { sessionId: string; identity?: string; seq: number; lost?: Record<string, number>; eventList: never[] };
  bytes: number;
  atHide: boolean;
}

const encoded = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url');

/** A token as a relay mints it, though nobody has signed it. */
export const tokenOf = (sub: string, sid?: string, stamp = 'AAAAAA') => `${encoded({ sub, sid })}.${stamp}.signature`;

/** The same as itsdangerous makes it where that is shorter: nobody can read it without unpacking it. */
export const packedOf = (sub: string, sid?: string, stamp = 'AAAAAA') =>
  `.${deflateSync(JSON.stringify({ sub, sid })).toString('base64url')}.${stamp}.signature`;

/** A site's own token with these claims, unsigned too. */
export const jwtOf = (claims: object, signature = 'signature') =>
  `${encoded({ alg: 'RS256', typ: 'JWT' })}.${encoded(claims)}.${signature}`;

/** What a token says, and its stamp, or a JWT's signature. */
export const readAll = (token: string): [claims: { sub?: string; user?: string; sid?: string }, stamp: string] => {
  const [first, second, third] = token.split('.') as [string, string, string];
  if (!first) {
    return [JSON.parse(inflateSync(Buffer.from(second, 'base64url')).toString()), third];
  }
  const isJwt = 'alg' in decoded(first);
  return isJwt ? [decoded(second), third] : [decoded(first), second];
};

const decoded = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());

/** How a relay refuses a beacon for good. */
export const refused = (status = 400, error = 'bad_type') =>
  new Response(JSON.stringify({ error, detail: 'as told' }), { status });

/** What a relay answers by default. */
export const taken = (identity = 'none', rejected: object[] = []) =>
  new Response(JSON.stringify({ accepted: 1, rejected, identity }), { status: 202 });

/** One tab: the part of the global object the snippet uses, with a clock that is moved by hand. */
export class Tab {
  sent: Sent[] = [];
  answer: (sent: Sent) => Response | Promise<Response> = () => taken();
  beaconBudget = 65_536;
  onLine = true;
  logged: unknown[][] = [];
  /** Lines for the site's developers. */
  warned: string[] = [];
  private timers = new Map<number, { at: number; work: () => void }>();
  private made = 0;
  private listeners = new Map<string, ((event: object) => void)[]>();
  private random: () => number;
  document: { hidden: boolean; prerendering: boolean; cookie: string };

  constructor(
    readonly browser: Browser,
    readonly hostname = 'www.shop.example',
    random: () => number = () => 0.5,
  ) {
    this.random = random;
    const { cookies } = browser;
    const { publicSuffixes } = browser;
    this.document = {
      hidden: false,
      prerendering: false,
      get cookie() {
        return [...cookies]
          .filter(([key]) => `.${hostname}`.endsWith(key.split('|')[0] as string))
          .map(([key, value]) => `${key.split('|')[1]}=${value}`)
          .join('; ');
      },
      set cookie(text: string) {
        const [pair, ...rest] = text.split(';') as [string, ...string[]];
        const [name, value] = pair.split('=') as [string, string];
        const domain = rest.find((part) => part.startsWith('domain='))?.slice(7) || hostname;
        if (publicSuffixes.has(domain) || !`.${hostname}`.endsWith(`.${domain}`)) {
          return;
        }
        if (rest.includes('max-age=0')) {
          cookies.delete(`.${domain}|${name}`);
        } else {
          cookies.set(`.${domain}|${name}`, value);
        }
      },
    };
  }

  get env(): Env {
    const tab = this;
    return {
      Date: { now: () => tab.browser.nowMs },
      Math: { random: tab.random },
      crypto,
      console: {
        log: (...line: unknown[]) => tab.logged.push(line),
        warn: (line: string) => tab.warned.push(line),
      },
      atob,
      setTimeout(work: () => void, ms: number) {
        tab.timers.set(++tab.made, { at: tab.browser.nowMs + ms, work });
        return tab.made;
      },
      clearTimeout: (timer: number | undefined) => void tab.timers.delete(timer as number),
      fetch: async (url: string, init: RequestInit) => {
        if (!tab.onLine) {
          throw new TypeError('network');
        }
        return tab.answer(tab.note(url, init.body as string, false));
      },
      navigator: {
        get onLine() {
          return tab.onLine;
        },
        sendBeacon(url: string, body: string) {
          const bytes = Buffer.byteLength(body);
          if (bytes > tab.beaconBudget) {
            return false;
          }
          tab.beaconBudget -= bytes;
          tab.note(url, body, true);
          return true;
        },
      },
      localStorage: tab.browser.storage as unknown as Storage,
      document: tab.document as unknown as Document,
      location: { hostname: tab.hostname } as Location,
      addEventListener: (type: string, listener: (event: object) => void) =>
        tab.listeners.set(type, [...(tab.listeners.get(type) ?? []), listener]),
      IntersectionObserver: class {
        observe() {}
      },
      MutationObserver: class {
        observe() {}
        disconnect() {}
      },
      BroadcastChannel: class {
        onmessage?: (message: object) => void;
        constructor() {
          tab.browser.channels.push(this);
        }
        postMessage(data: unknown) {
          for (const other of tab.browser.channels) {
            if (other !== this) {
              other.onmessage?.({ data });
            }
          }
        }
      },
      innerWidth: 800,
      innerHeight: 600,
    } as unknown as Env;
  }

  private note(url: string, body: string, atHide: boolean): Sent {
    const sent = { url, beacon: JSON.parse(body), bytes: Buffer.byteLength(body), atHide };
    this.sent.push(sent);
    return sent;
  }

  /** Something happens to the page. */
  fire(type: string, event: object = {}) {
    for (const listener of this.listeners.get(type) ?? []) {
      listener(event);
    }
  }

  hide() {
    this.document.hidden = true;
    this.fire('visibilitychange');
    this.fire('pagehide');
  }

  /** Once this much time has passed. */
  after(ms: number): Promise<void> {
    return new Promise((done) => this.timers.set(++this.made, { at: this.browser.nowMs + ms, work: done }));
  }

  /** Lets time pass, timers fire, and promises settle. */
  async pass(ms: number): Promise<void> {
    const end = this.browser.nowMs + ms;
    await settled();
    for (;;) {
      const [due] = [...this.timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at);
      if (!due) {
        break;
      }
      this.timers.delete(due[0]);
      this.browser.nowMs = Math.max(this.browser.nowMs, due[1].at);
      due[1].work();
      await settled();
    }
    this.browser.nowMs = end;
  }

  /** Every event that left, in order. */
  get events(): { eventId: string; eventType: string; itemId?: string }[] {
    return this.sent.flatMap(({ beacon }) => beacon.eventList);
  }
}

/** Until every promise that can settle has. */
const settled = () => new Promise<void>((done) => setImmediate(() => setImmediate(done)));

export const ENDPOINT = 'https://events.shop.example/r/e';
