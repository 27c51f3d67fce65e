/** JSON as the relay reads it, whatever the page has hung on prototypes. */
export declare const stringify: (value: unknown) => string;
/** Length as UTF-8 JSON: budgets count bytes, and one "€" has three. */
export declare const byteLength: (value: unknown) => number;
