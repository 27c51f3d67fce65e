/** How a tracker is set up. */
export interface Options {
  /** Site token of the relay: public, says which site. */
  token: string;
  /** Where beacons go: `https://events.shop.example/r/e`. */
  endpoint: string;
  /** Most time an event waits for company, in milliseconds, more than 0. @defaultValue 5000 */
  flushMs?: number | undefined;
  /** Events that do not wait any longer. @defaultValue 10 */
  flushSize?: number | undefined;
  /** Idle time after which a new session begins, in minutes. @defaultValue 30 */
  sessionMinutes?: number | undefined;
  /** Where a fresh identity token is fetched when the relay calls one expired or another session's: text, or JSON with `identity`. */
  identityUrl?: string | undefined;
  /** `required`: nothing is stored or sent before `consent(true)`. */
  consent?: 'required' | undefined;
  /** What Global Privacy Control does: collect nothing, no users, or as without it. @defaultValue 'off' */
  gpc?: 'off' | 'anonymous' | 'ignore' | undefined;
  /** How long the recommendation that led to an item is remembered, in minutes. @defaultValue 1440 */
  attributionMinutes?: number | undefined;
  /** Also send lists that were seen and not clicked, as `Impression` events when the page hides. @defaultValue false */
  impressions?: boolean | undefined;
  /** Console lines for all that happens; lets WebDriver in. @defaultValue false */
  debug?: boolean | undefined;
  /** A session the caller keeps, where there is no browser to keep it. */
  sessionId?: string | undefined;
  /** Used in place of the platform's `fetch`. */
  fetch?: typeof globalThis.fetch | undefined;
}

/** Options as they come: a script tag has nothing but strings, and says `debug` and `impressions` by naming them. */
export type RawOptions = {
  [K in keyof Options]: Options[K] | (Options[K] extends string ? never : string);
};
