import type { Env } from './env.js';
/** Every name the snippet stores begins with this. */
export declare const PREFIX = "_relay.";
/** Strings by name: in localStorage where it works, else in memory for as long as the page lives. Never throws. */
export interface Store {
    _get(name: string): string | undefined;
    /** The value read as JSON; nothing where there is none or it is not. */
    _parse(name: string): any;
    _set(name: string, value: string): void;
    _remove(name: string): void;
    /** What follows `prefix` in the names that begin with it, sorted. */
    _names(prefix: string): string[];
}
export declare const createStore: (env: Env) => Store;
