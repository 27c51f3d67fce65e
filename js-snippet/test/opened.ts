import { readFileSync } from 'node:fs';
import type { RawOptions } from '../src/options.js';
import { createCore } from '../src/tracker.js';
import { Browser, ENDPOINT, Tab, tokenOf } from './world.js';

/** What both sides of the wire hold to. */
export const wire = JSON.parse(readFileSync(new URL('../../../tests/contract/snippet.json', import.meta.url), 'utf8'));
export const TOKEN = tokenOf('alice');

/** Opens a page with a tracker in this tab; how that page calls it. */
export const open = async (tab: Tab, options: Partial<RawOptions> = {}) => {
  const core = createCore(tab.env, { token: 'site', endpoint: ENDPOINT, ...options });
  const say = (...args: unknown[]) => core._call([tab.browser.nowMs, args]);
  await tab.pass(20);
  return say;
};

/** A tab whose site hands out identity tokens. */
export const openWithIdentity = async (hand: () => Response | Promise<Response>) => {
  const tab = new Tab(new Browser());
  const env = tab.env;
  const relayFetch = env.fetch as unknown as (url: string, init: RequestInit) => Promise<Response>;
  const fetchedAt: number[] = [];
  env.fetch = (async (url: string, init: RequestInit) => {
    if (url !== '/whoami') {
      return relayFetch(url, init);
    }
    fetchedAt.push(tab.browser.nowMs);
    return hand();
  }) as typeof fetch;
  const core = createCore(env, { token: 'site', endpoint: ENDPOINT, flushMs: 10, identityUrl: '/whoami' });
  await tab.pass(20);
  const say = (...args: unknown[]) => core._call([tab.browser.nowMs, args]);
  return { tab, say, fetchedAt };
};
