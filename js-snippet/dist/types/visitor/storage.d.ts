import type { Env } from '../env.js';
/** Every name the snippet stores begins with this. */
export declare const PREFIX = "_relay.";
/**
 * Values by name, as JSON, in localStorage and in memory. A name is never removed while the snippet collects, so one
 * that is gone was cleared by the site, and what this page knew of it is put back. Never throws.
 */
export interface Store {
    /** Nothing where there is none, or what is there is no JSON. */
    _get(name: string): any;
    /** The same as a list: empty where there is nothing, of one where there is something else. */
    _list(name: string): any[];
    _set(name: string, value: unknown): void;
    /** Makes the list of this name of the events that 0.1.0 stored, each by a name of its own, where there is no such list. */
    _adopt(name: string): void;
    /** Forgets all, stored or not. */
    _clear(): void;
}
/** @param mayStore Asked at every change: nothing is stored once consent is withdrawn, by an answer still under way either. */
export declare const createStore: (env: Env, mayStore: () => unknown) => Store;
