import type { Env } from './env.js';
import type { Entry, RelayEvent } from './event.js';
import { type Entrance } from './guard.js';
import type { Loss, Rejection, Taken } from './sending/answer.js';
/** What a page can listen to, and what is handed over. */
export interface Topics {
    /** A relay has taken a beacon. */
    sent: Taken & {
        events: number;
        eventList: readonly RelayEvent[];
    };
    /** A relay has refused one event. */
    rejected: Rejection;
    /** Events were given up. */
    lost: Loss;
    /** A session began, or the page joined one: its id. */
    session: string;
}
/** What the modules tell each other beside that. */
interface InnerTopics extends Topics {
    /** The network is back. */
    online: undefined;
    /** Collecting begins, or begins anew after consent was withdrawn and given again. */
    start: undefined;
    /** Consent was withdrawn; what this page had recorded, and nobody has sent. */
    stop: Entry[];
    /** The page is being hidden, perhaps for good. */
    hide: undefined;
    show: undefined;
    /** The page is shown again out of the back/forward cache: as if opened anew. */
    back: undefined;
    /** A watched element was looked at long enough. */
    seen: Element;
    /** Console lines of the debug mode. */
    event: unknown;
    error: unknown;
}
export type Listener<T> = (data: T) => void;
/** Who has something to say says it here; in debug mode all of it is on the console. */
export interface Bus {
    /** All listeners of the topic, to be taken from again. */
    _on<T extends keyof InnerTopics>(topic: T, listener: Listener<InnerTopics[T]>): Set<unknown>;
    /** Calls the listeners in order; what one throws stops neither the next nor the caller. */
    _emit<T extends keyof InnerTopics>(topic: T, data?: InnerTopics[T]): undefined;
    /**
     * The way in: all that runs once the page has loaded is called by the platform or the page, and wrapped by this. What
     * `work` throws, or its promise is rejected with, is said in debug mode and goes no further. It begins at once.
     */
    _enter<A extends unknown[], R>(work: (...args: A) => R): Entrance<A, Awaited<R>>;
    /** A timer, which keeps no process alive. */
    _later(work: () => unknown, ms: number): number;
    /** Hears an event before everybody else: what is stopped further down is heard too. Outside a browser there are none. */
    _listen<E extends Event>(type: string, listener: (event: E) => unknown): void;
    /** A line for the site's developers on the console, once. */
    _say(line: string): undefined;
}
/** @param log Is told everything. */
export declare const createBus: (env: Env, log: ((topic: string, data: unknown) => unknown) | undefined) => Bus;
export {};
