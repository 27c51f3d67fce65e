import type { Listener, Topics } from './bus.js';
import type { EventFields } from './event.js';
import type { FlushResult } from './sending/delivery.js';
/** The function that the script tag, or the stub before it, puts on the page. */
export interface Relay {
    /** The visitor did something. */
    (verb: 'event', type: string, fields?: EventFields): void;
    /** Logged in, with the identity token of the site's backend; or out, with null. */
    (verb: 'user', identityToken: string | null): void;
    (verb: 'consent', isGiven: boolean): void;
    (verb: 'session', callback: (id: string) => void): void;
    (verb: 'flush', callback?: (result: FlushResult) => void): void;
    <T extends keyof Topics>(verb: 'on', topic: T, listener: Listener<Topics[T]>): void;
    /** Calls made before the script is there. */
    q?: unknown;
}
declare global {
    interface Window {
        relay?: Relay;
    }
}
