import type { Env } from '../env.js';
/** Cookies on the registrable domain: what the subdomains of a site share. Never throws. */
export interface Cookies {
    /** Empty where there is none. */
    _get(name: string): string;
    /** Nothing, or an empty value: removes it. */
    _set(name: string, value?: string): void;
}
export declare const createCookies: (env: Env) => Cookies;
