import type { Env } from './env.js';
import type { Store } from './storage.js';
export type Renewal = 'idle' | 'ended';
export interface Session {
    /** The id now, made anew where there is none or the last activity is too long ago. Counts as activity. */
    _id(): string;
    /** The id some page of this site made, if it is still good. No activity, nothing is written. */
    _peek(): string | undefined;
    /** Ends this session; the next one begins at once. */
    _renew(why: Renewal): string;
    /** Forgets the session here and in the browser. */
    _forget(): void;
    /** The domain the cookie could be set on, once it was: the registrable domain of the site. */
    _domain(): string | undefined;
}
/**
 * One session a visitor, whatever tab or page of the site asks. It lives in a cookie on the registrable domain and in
 * localStorage, as `<id>.<last activity, ms, base 36>`; the later of both counts, so that a logout in one tab
 * or on one subdomain is seen by the others at their next event.
 *
 * @param idleMs Time without activity after which the next activity begins a new session.
 * @param onChange Called with the new id and the one before, when there was one, whenever the id changes.
 */
export declare const createSession: (env: Env, store: Store, idleMs: number, onChange: (id: string, before: string, why: Renewal | undefined) => void) => Session;
