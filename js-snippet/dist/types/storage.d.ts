import type { Env } from './env.js';
/** Every name the snippet stores begins with this. */
export declare const PREFIX = "_relay.";
/** Values by name, as JSON: in localStorage where it works, else in memory for as long as the page lives. Never throws. */
export interface Store {
    /** Nothing where there is none, or what is there is no JSON. */
    _get(name: string): any;
    _set(name: string, value: unknown): void;
    _remove(name: string): void;
    /** What follows `prefix` in the names that begin with it, sorted. */
    _names(prefix: string): string[];
}
/** @param mayStore Asked at every change: nothing is stored once consent is withdrawn, by an answer still under way either. */
export declare const createStore: (env: Env, mayStore: () => boolean) => Store;
