import type { Entrance } from './guard.js';

/**
 * What the snippet uses of the global object. It is handed in everywhere, so that tests can make a world of their own;
 * no other file touches a global.
 */
export interface Env {
  Date: { now(): number };
  /** For jitter only. */
  Math: { random(): number };
  crypto: Pick<Crypto, 'getRandomValues'>;
  console: Pick<Console, 'log' | 'warn'>;
  setTimeout(work: Entrance<[]>, ms: number): number;
  clearTimeout(timer: number | undefined): void;
  fetch: typeof fetch;
  atob(text: string): string;
  navigator: Partial<Navigator> & { globalPrivacyControl?: boolean };
  /** Throws in sandboxed frames, as may every call on it. */
  localStorage: Storage;

  // Absent outside a browser.
  document?: Document & { prerendering?: boolean };
  location?: Location;
  /** `null` in sandboxed frames, whatever their address. */
  origin?: string;
  screen: { height: number };
  getComputedStyle(element: Element): CSSStyleDeclaration;
  getSelection(): Selection | null;
  BroadcastChannel: typeof BroadcastChannel;
  addEventListener(type: string, listener: Entrance<[never]>, isCapture: boolean): void;
  IntersectionObserver: new (
    callback: Entrance<[IntersectionObserverEntry[]]>,
    options?: IntersectionObserverInit,
  ) => IntersectionObserver;
  MutationObserver: new (callback: Entrance<[MutationRecord[]]>) => MutationObserver;
  innerWidth: number;
  innerHeight: number;
}

/** The platform's own. */
export const platform = globalThis as unknown as Env;

/** 128 random bits in decimal, some 38 digits; not `randomUUID`, which pages on plain http do not have. */
export const randomId = (env: Env): string => env.crypto.getRandomValues(new BigUint64Array(2)).join('');
