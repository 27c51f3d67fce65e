import type { Env } from './env.js';
import type { RawOptions } from './options.js';
/** Whether anything may be collected, consent apart: not from bots driven by WebDriver, not against the visitor's wish. */
export declare const mayCollect: (env: Env, options: RawOptions) => boolean;
/** Whether users may be told apart from sessions. */
export declare const mayIdentify: (env: Env, options: RawOptions) => boolean;
