import type { Env } from './env.js';
import type { RawOptions } from './options.js';

/** Whether Global Privacy Control is on and the site heeds it. */
const isPrivate = (env: Env, options: RawOptions) => env.navigator.globalPrivacyControl && options.gpc !== 'ignore';

/** Whether anything may be collected, consent apart: not from bots driven by WebDriver, not against the visitor's wish. */
export const mayCollect = (env: Env, options: RawOptions): boolean =>
  (!env.navigator.webdriver || options.debug != null) && (!isPrivate(env, options) || options.gpc === 'anonymous');

/** Whether users may be told apart from sessions. */
export const mayIdentify = (env: Env, options: RawOptions): boolean => !isPrivate(env, options);
