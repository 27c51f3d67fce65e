import { type Attribution } from './attribution.js';
import { type FlushResult } from './delivery.js';
import type { Env } from './env.js';
import { type EventFields } from './event.js';
import type { Options } from './options.js';
import { type LostReason } from './outbox.js';
import { type Rejection } from './transport.js';
import { type IdentityResult } from './user.js';
/** What `on` can listen to, and what is handed over. */
export interface Topics {
    /** A relay has taken a beacon. */
    sent: {
        events: number;
        accepted: number;
        identity: IdentityResult;
    };
    /** A relay has refused one event. */
    rejected: Rejection;
    /** Events were given up. */
    lost: {
        reason: LostReason;
        events: number;
    };
    /** A session began, or the page joined one: its id. */
    session: string;
}
export type Listener<T extends keyof Topics> = (data: Topics[T]) => void;
/** The object the page talks to. No method throws, whatever the browser does. */
export interface Tracker {
    /** Records something the visitor did: `event('Purchase', {itemId: 'p1', eventValue: 19.9})`. */
    event(type: string, fields?: EventFields): void;
    /** The visitor has logged in, with the identity token of the site's backend; or logged out, with null. */
    user(identityToken: string | null): void;
    /** Begins, or ends and clears what is stored. */
    consent(isGiven: boolean): void;
    /** Hands over the session id, once there is one. */
    session(callback: (id: string) => void): void;
    /** Sends what waits. */
    flush(callback?: (result: FlushResult) => void): void;
    /** Listens; returns the undo. */
    on<T extends keyof Topics>(topic: T, listener: Listener<T>): () => void;
}
/** Something that watches the page from the moment collecting begins; ends with the function it returns. */
export interface Watcher {
    _hide?(): void;
    _show?(): void;
    _restore?(): void;
    _stop(): void;
}
/** The tracker as its own modules see it. */
export interface Core extends Tracker {
    _env: Env;
    /** A call by name, as queued: `at` is when it was made. */
    _call(at: number, args: ArrayLike<unknown>): void;
    /** Records an event now, origin remembered or given. */
    _record(type: string, fields: EventFields, at?: number): void;
    _attribution: Attribution;
    /** Starts the watcher when collecting starts, and again after consent was withdrawn and given. */
    _watch(start: () => Watcher): void;
    _debug(topic: string, data: unknown): void;
}
export declare const createCore: (options: Options, env: Env) => Core;
