import { type Env, platform } from '../env.js';
import { isVisible, room } from '../watching/visible.js';

/** What the snippet takes for seen: at least half of it, for a second without a break. */
const MIN_SHARE = 0.5;
const MIN_MS = 1000;

/** How far an element's second has come, by the rules of the snippet; the snippet itself has the last word. */
export interface Progress {
  /** From 0 to 1, for an element in the window. */
  of(element: Element, box: DOMRect): number;
  /** It has left the window. */
  forget(element: Element): void;
}

export const createProgress = (env: Env = platform): Progress => {
  const since = new WeakMap<Element, number>();
  const isInSight = (element: Element, box: DOMRect): boolean => {
    const left = Math.max(0, box.left);
    const top = Math.max(0, box.top);
    const width = Math.min(env.innerWidth, box.right) - left;
    const height = Math.min(env.innerHeight, box.bottom) - top;
    const [most, highest] = room(env, element);
    const enough = MIN_SHARE * Math.min(box.width, most) * Math.min(box.height, highest);
    return (
      width > 0 &&
      height > 0 &&
      width * height >= enough &&
      !(env.document as Document).hidden &&
      isVisible(env, element, new DOMRectReadOnly(left, top, width, height))
    );
  };
  return {
    of(element, box) {
      if (!isInSight(element, box)) {
        since.delete(element);
        return 0;
      }
      const began = since.get(element) ?? env.Date.now();
      since.set(element, began);
      return Math.min(1, (env.Date.now() - began) / MIN_MS);
    },
    forget: (element) => since.delete(element),
  };
};
