import type { Bus } from '../bus.js';
import type { Env } from '../env.js';
import type { RawOptions } from '../options.js';
import type { Store } from '../visitor/storage.js';
import type { User } from '../visitor/user.js';
import type { Dropped, Loss, Rejection } from './answer.js';
import type { Outbox } from './outbox.js';
/** What a flush came to, over all its beacons. */
export interface FlushResult {
    accepted: number;
    /** Events the relay refused one by one. */
    rejected: Rejection[];
    /** Fields it left out of events that it took. */
    dropped: Dropped[];
    /** Events that were given up, and why. */
    lost: Loss[];
    /** Events that still wait. */
    pending: number;
}
/**
 * When the outbox is sent, and what an answer does to it.
 *
 * An event leaves the outbox when a relay has answered for it, not when a request was made. A beacon sent at hide has
 * no answer: its events stay, and are sent once more by the next page, or by this one if it lives on. They carry the
 * same event ids, so the relay leaves them out.
 */
export interface Delivery {
    /** Collecting begins: what is found waiting is sent, too. */
    _start(): void;
    /** Something may wait: send it on size or on time. */
    _schedule(): void;
    /** Sends all that waits, unless the relay or the network asks for patience. Never rejects. */
    _flush(): Promise<FlushResult>;
}
/** @param onAnswer Called with each beacon a relay has answered for, before anything else is sent. */
export declare const createDelivery: (env: Env, store: Store, bus: Bus, options: RawOptions, outbox: Outbox, user: User, onAnswer: (sessionId: string, identity: string, result: string) => void) => Delivery;
