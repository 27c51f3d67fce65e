import type { Bus } from '../bus.js';
import type { Env } from '../env.js';
/** Tells what happens to the page as a whole. Never `unload` or `beforeunload`: they spoil the back/forward cache. */
export declare const watchLifecycle: (env: Env, bus: Bus) => void;
