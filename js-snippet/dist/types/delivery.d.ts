import type { Env } from './env.js';
import type { Outbox } from './outbox.js';
import type { Store } from './storage.js';
import type { Rejection, Taken, Transport } from './transport.js';
import type { IdentityResult, User } from './user.js';
/** What a flush came to, over all its beacons. */
export interface FlushResult {
    accepted: number;
    rejected: Rejection[];
    /** Events that still wait. */
    pending: number;
}
export interface DeliverySettings {
    _token: string;
    /** Most time an event waits for company. */
    _flushMs: number;
    /** Events that do not wait any longer. */
    _flushSize: number;
}
/** What the rest of the tracker hears of a delivery. */
export interface DeliveryEvents {
    _onSent(events: number, answer: Taken): void;
    _onRejected(rejection: Rejection): void;
    _onIdentity(sessionId: string, result: IdentityResult, token: string | undefined): void;
}
/**
 * When the outbox is sent, and what an answer does to it.
 *
 * An event leaves the outbox when a relay has answered for it, not when a request was made. A beacon sent at hide has
 * no answer: its events stay, and the next page sends them once more. They carry the same event ids, so the relay
 * leaves them out.
 */
export interface Delivery {
    /** Something may wait: send it on size or on time. */
    _schedule(): void;
    /** Sends all that waits, unless the relay or the network asks for patience. Never rejects. */
    _flush(): Promise<FlushResult>;
    /** The page is being hidden: sends now, synchronously. */
    _hide(): void;
    /** The page is shown again. */
    _show(): void;
}
export declare const createDelivery: (env: Env, store: Store, settings: DeliverySettings, outbox: Outbox, user: User, transport: Transport, events: DeliveryEvents) => Delivery;
