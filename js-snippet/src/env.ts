/**
 * Everything the snippet wants from the world around it, so that tests can give it another world.
 * No other file touches a global. Members may throw where the browser does; callers guard.
 */
export interface Env {
  /** Milliseconds since the epoch by the visitor's clock. */
  _now(): number;
  /** A number in [0, 1), for jitter only. */
  _random(): number;
  /** 128 random bits as 32 hex digits. */
  _randomId(): string;
  /** Runs `work` after `ms`; returns the undo. */
  _later(work: () => void, ms: number): () => void;
  _log(topic: string, data: unknown): void;
  /** The page's `fetch` as it is now: a site may have wrapped it. */
  _fetch(url: string, init: RequestInit): Promise<Response>;
  /** `navigator.sendBeacon`: false when it was not taken. */
  _sendBeacon(url: string, body: string): boolean;
  _isOnline(): boolean;
  /** `navigator.locks`, on secure pages only. */
  _locks(): LockManager | undefined;
  /** Throws in sandboxed frames. */
  _localStorage(): Storage;
  _readCookies(): string;
  _writeCookie(cookie: string): void;
  _hostname: string;
  _isHttps: boolean;
  /** Absent outside a browser. */
  _document: Document | undefined;
  _window: (Window & typeof globalThis) | undefined;
  _navigator: Partial<Navigator> & { globalPrivacyControl?: boolean };
}

/** The world as the platform gives it: a browser, or a server or edge runtime without a page. */
export const platformEnv = (): Env => {
  const world = globalThis;
  const { document, location } = world as Partial<Window & typeof globalThis>;
  // Optional because old Node has no global navigator.
  const navigator = (world.navigator ?? {}) as Navigator;
  return {
    _now: () => Date.now(),
    _random: () => Math.random(),
    // Not randomUUID: plain http pages do not have it.
    _randomId: () =>
      Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
        (byte + 256).toString(16).slice(1),
      ).join(''),
    _later: (work, ms) => {
      const timer = setTimeout(work, ms);
      return () => clearTimeout(timer);
    },
    _log: (topic, data) => console.log('[relay]', topic, data),
    _fetch: (url, init) => world.fetch(url, init),
    _sendBeacon: (url, body) => navigator.sendBeacon(url, body),
    _isOnline: () => navigator.onLine !== false,
    _locks: () => navigator.locks,
    _localStorage: () => localStorage,
    _readCookies: () => (document as Document).cookie,
    _writeCookie: (cookie) => {
      // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is asynchronous and missing on plain http
      (document as Document).cookie = cookie;
    },
    _hostname: location?.hostname ?? '',
    _isHttps: location?.protocol === 'https:',
    _document: document,
    _window: document && (world as Window & typeof globalThis),
    _navigator: navigator,
  };
};
