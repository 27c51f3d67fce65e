import type { Bus } from './bus.js';
import { type Env } from './env.js';
import { type Store } from './storage.js';
export interface Session {
    /** The id now, made anew where there is none or the last activity is too long ago. Counts as activity. */
    _id(): string;
    /** Ends this session; the next begins at once. */
    _renew(): string;
    /** Forgets the session here and in the cookie. */
    _forget(): void;
}
/**
 * One session a visitor, whatever tab or page of the site asks. It lives in a cookie on the registrable domain and in
 * localStorage, as `<id>.<last activity in ms>`. The later of both counts, so a logout in one tab or on
 * one subdomain is seen by the others at their next event.
 *
 * @param idleMs Time without activity after which the next activity begins a new session.
 * @param onIdle Called with the ids of the session that ran out and of the one that takes its place.
 */
export declare const createSession: (env: Env, store: Store, bus: Bus, idleMs: number, onIdle: (before: string, after: string) => void) => Session;
