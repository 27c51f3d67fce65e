import type { Env } from './env.js';
import type { Options } from './options.js';
/** What may be collected at all, before anybody was asked: nothing, events without a user, or everything. */
export type Permission = 'nothing' | 'anonymous' | 'all';
/** Bots driven by WebDriver collect nothing; Global Privacy Control does what the site set, nothing by default. */
export declare const permission: (env: Env, options: Options) => Permission;
