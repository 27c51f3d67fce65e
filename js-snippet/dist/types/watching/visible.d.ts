import type { Env } from '../env.js';
/**
 * Whether a person can see this element, of which `part` is inside the window: it is not transparent or hidden by its
 * styles, not inert, and not behind something opaque in its middle, as far as styles say what is opaque.
 */
export declare const isVisible: (env: Env, element: Element, { x, y, width, height }: DOMRectReadOnly) => boolean;
/** The largest part of an element that can be in sight at once: what clips it, a panel that scrolls say, may be small. */
export declare const room: (env: Env, element: Element) => [width: number, height: number];
