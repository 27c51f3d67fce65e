import type { Env } from './env.js';
/** Strings by name: localStorage where it works, memory for whatever it refuses. Never throws. */
export interface Store {
    _get(name: string): string | null;
    _set(name: string, value: string): void;
    _remove(name: string): void;
    /** Names that begin with `prefix`, sorted, without it. */
    _names(prefix: string): string[];
}
export declare const createStore: (env: Env) => Store;
