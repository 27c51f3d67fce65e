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
    _navigator: Partial<Navigator> & {
        globalPrivacyControl?: boolean;
    };
}
/** The world as the platform gives it: a browser, or a server or edge runtime without a page. */
export declare const platformEnv: () => Env;
