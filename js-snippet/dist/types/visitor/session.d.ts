import type { Bus } from '../bus.js';
import { type Env } from '../env.js';
import type { Cookies } from './cookie.js';
import type { Store } from './storage.js';
import type { User } from './user.js';
/** A session, the user it is, 0 for nobody, and the number of the token by which the page says so, if it was told one. */
export type Place = readonly [id: string, who: number, number?: number];
export interface Session {
    /** Where this page is now, made anew where nothing is or the last activity is too long ago. Counts as activity. */
    _now(): Place;
    /** The page was told a token. */
    _logIn(token: string): void;
    /** Ends the session of this page, for all pages; the next begins at once. */
    _logOut(): void;
    /** The session is another user's than this token's. */
    _conflict(id: string, token: string): void;
    /** The token is true. */
    _proven(token: string): void;
    /** The token is none: the one before counts; if the session has no other, the page was told nothing. */
    _refused(id: string, token: string): void;
    /** Forgets the session here and in the cookie. */
    _forget(): void;
}
/**
 * Which session a page is in. The session used last lives in a cookie on the registrable domain and in localStorage; the
 * later of both counts. Whoever logs in first owns it; a page that was told another user is in a session made of it and
 * of the user. A page that was told a user keeps to that user's session; the others share the one used last. Which
 * sessions were logged out of is written there too, so a logout in one tab or on one subdomain is seen by the others at
 * their next event.
 *
 * @param idleMs Time without activity after which the next activity begins a new session.
 */
export declare const createSession: (env: Env, store: Store, cookies: Cookies, bus: Bus, user: User, idleMs: number) => Session;
