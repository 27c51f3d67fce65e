import type { Env } from '../env.js';
import type { RawOptions } from '../options.js';

/** Whether Global Privacy Control is on and the site heeds it: then users may not be told apart from sessions. */
export const isPrivate = (env: Env, options: RawOptions): boolean | undefined =>
  env.navigator.globalPrivacyControl && options.gpc !== 'ignore';

/**
 * Whether anything may be collected, consent apart: not from bots driven by WebDriver, not against the visitor's wish.
 *
 * @param isHeeded Whether that wish is known and heeded.
 */
export const mayCollect = (env: Env, options: RawOptions, isHeeded: boolean | undefined): boolean =>
  (!env.navigator.webdriver || options.debug != null) && (!isHeeded || options.gpc === 'anonymous');
