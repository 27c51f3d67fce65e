/** `data-relay-<name>` of an element; nothing of documents, shadow roots, and windows, which have no attributes. */
export const attribute = (element: Element, name: string): string | null | undefined =>
  element.getAttribute?.(`data-relay-${name}`);
