/**
 * Runs `work` and gives its result, or `undefined` where it throws. Storage, cookies, and callbacks of the page
 * may throw at any time, and nothing of that may reach the page.
 */
export declare const guard: <T>(work: () => T, failed?: (error: unknown) => void) => T | undefined;
