import { guard } from '../guard.js';

/**
 * `data-relay-<name>` of an element; nothing of documents, shadow roots, and windows, which have no attributes, nor of
 * elements that do not let themselves be asked.
 */
export const attribute = (element: Element, name: string): string | null | undefined =>
  guard(() => element.getAttribute?.(`data-relay-${name}`));
