/**
 * Runs `work` and gives its result, or `undefined` where it throws: storage, cookies, and whatever a site has replaced
 * may throw at any time, and nothing of that may reach the page.
 */
export const guard = <T>(work: () => T): T | undefined => {
  try {
    return work();
  } catch {
    return undefined;
  }
};
