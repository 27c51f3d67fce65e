/**
 * A function that may be handed to the platform: what it throws, and what its promise is rejected with, stays inside.
 * Only `Bus._enter` makes them, and nothing else fits an `Env`.
 */
export type Entrance<A extends unknown[], R = unknown> = ((...args: A) => Promise<R | undefined>) & {
    readonly [entrance]: true;
};
declare const entrance: unique symbol;
/**
 * Runs `work` and gives its result, or `undefined` where it throws: storage, cookies, and whatever a site has replaced
 * may throw at any time, and nothing of that may reach the page.
 */
export declare const guard: <T>(work: () => T) => T | undefined;
export {};
