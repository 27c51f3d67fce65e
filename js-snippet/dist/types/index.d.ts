import type { Listener, Topics } from './bus.js';
import type { EventFields } from './event.js';
import type { Options } from './options.js';
import type { FlushResult } from './sending/delivery.js';
import { type List, type ListOptions } from './watching/list.js';
export type { Dropped, IdentityResult, Loss, LostReason, Rejection } from './sending/answer.js';
export type { EventFields, FlushResult, List, Listener, ListOptions, Options, Topics };
/** The object the page talks to. No method throws, whatever the browser does. */
export interface Tracker {
    /** Records something the visitor did: `event('Purchase', {itemId: 'p1', eventValue: 19.9})`. */
    event(type: string, fields?: EventFields): void;
    /** The visitor has logged in, with the identity token of the site's backend; or logged out, with null. */
    user(identityToken: string | null): void;
    /** Begins to collect; or ends, and clears what is stored. */
    consent(isGiven: boolean): void;
    /** Hands over the session id, once there is one. */
    session(callback: (id: string) => void): void;
    /** Sends what waits. */
    flush(callback?: (result: FlushResult) => void): void;
    /** Listens; returns the undo. */
    on<T extends keyof Topics>(topic: T, listener: Listener<Topics[T]>): () => void;
    /** A list of recommendations shown to the visitor. */
    list(options: ListOptions): List;
}
/**
 * A tracker. In a browser it keeps session and unsent events as the script tag does; elsewhere (server, edge) give it a
 * `sessionId`, and wait for `flush` before the request ends.
 *
 * @throws Error without a `sessionId` where there is no browser.
 */
export declare const createTracker: (options: Options) => Tracker;
/** Collects what the `data-relay-*` attributes of the page say, as the script tag does. */
export declare const watchPage: (tracker: Tracker) => void;
