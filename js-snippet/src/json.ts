/** Old libraries give them a `toJSON` that makes text of them, and may call it without end. */
const hung = [Array.prototype, String.prototype] as { toJSON?: unknown }[];

/** JSON as the relay reads it, whatever the page has hung on prototypes. */
export const stringify = (value: unknown): string => {
  const held = hung.map(({ toJSON }) => toJSON);
  const put = (values: unknown[]) =>
    hung.forEach((prototype, i) => {
      if (held[i]) {
        prototype.toJSON = values[i];
      }
    });
  put([]);
  try {
    return JSON.stringify(value);
  } finally {
    put(held);
  }
};

/** Length as UTF-8 JSON: budgets count bytes, and one "€" has three. */
export const byteLength = (value: unknown): number => new TextEncoder().encode(stringify(value)).length;
