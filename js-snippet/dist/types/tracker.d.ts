import { type Bus } from './bus.js';
import type { Env } from './env.js';
import type { EventFields } from './event.js';
import type { RawOptions } from './options.js';
/** One tracker as its own modules see it. */
export interface Core {
    _env: Env;
    _options: RawOptions;
    _bus: Bus;
    /** Records an event that happened now, or `at`; nothing while collecting is not allowed. */
    _record(type: string, fields: EventFields, at?: number): void;
    /** A call by name, made `at`; kept until collecting begins. */
    _call(args: ArrayLike<unknown>, at: number): void;
}
export declare const createCore: (env: Env, options: RawOptions) => Core;
