import { type Bus } from './bus.js';
import { type Env } from './env.js';
import { type EventFields } from './event.js';
import type { RawOptions } from './options.js';
import { type Dwell } from './watching/dwell.js';
import type { Impression } from './watching/impressions.js';
/** What a page called, and when, as the stub queues it. */
export type Call = [at: number, args: ArrayLike<unknown>];
/** One tracker as its own modules see it. */
export interface Core {
    _env: Env;
    _bus: Bus;
    /** Absent outside a browser. */
    _dwell: Dwell | undefined;
    /** Records an event that happened now, or `at`; nothing while collecting is not allowed. */
    _record(type: string, fields: EventFields, at?: number): void;
    /** Records what of a list was seen and no event has carried yet, where the site wants that. */
    _tell(impression: Impression<never> | undefined): void;
    /** A call by name, with its time; kept until collecting begins. */
    _call(call: Call): unknown;
}
export declare const createCore: (env: Env, options: RawOptions) => Core;
