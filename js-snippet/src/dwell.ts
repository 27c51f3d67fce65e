import type { Env } from './env.js';

/** Media Rating Council, display: at least half of it for at least one second without a break. */
const MIN_SHARE = 0.5;
const MIN_MS = 1000;
/** Every hundredth up to half: an element of 25 screens is seen at a ratio of 0.02, and no step is missed by much. */
const THRESHOLDS = Array.from({ length: 51 }, (_, i) => i / 100);

/** Tells when elements have been looked at long enough. One IntersectionObserver for all of them. */
export interface Dwell {
  _watch(element: Element): void;
  _unwatch(element: Element): void;
  /** The page is hidden: whatever was being looked at begins anew with `_resume`. */
  _pause(): void;
  _resume(): void;
}

/** @param onSeen Called once each time an element has been half visible for a second of a visible page. */
export const createDwell = (env: Env, onSeen: (element: Element) => void): Dwell | undefined => {
  const window = env._window;
  if (!window?.IntersectionObserver) {
    return undefined;
  }
  /** Elements visible enough now, each with the undo of its timer while the page is visible. */
  const visible = new Map<Element, (() => void) | undefined>();

  const begin = (element: Element) => {
    if (!env._document?.hidden) {
      visible.set(
        element,
        env._later(() => onSeen(element), MIN_MS),
      );
    }
  };
  const end = (element: Element) => {
    visible.get(element)?.();
    visible.delete(element);
  };
  const area = ({ width, height }: { width: number; height: number }) => width * height;

  const observer = new window.IntersectionObserver(
    (entries) => {
      for (const { target, intersectionRect, boundingClientRect, rootBounds } of entries) {
        // An element larger than the window is seen when it fills half of the window.
        const screen = rootBounds ?? { width: window.innerWidth, height: window.innerHeight };
        const isVisible =
          area(intersectionRect) / Math.min(area(boundingClientRect), area(screen)) >= MIN_SHARE;
        if (!isVisible) {
          end(target);
        } else if (!visible.has(target)) {
          visible.set(target, undefined);
          begin(target);
        }
      }
    },
    { threshold: THRESHOLDS },
  );

  return {
    _watch: (element) => observer.observe(element),
    _unwatch(element) {
      observer.unobserve(element);
      end(element);
    },
    _pause() {
      for (const [element, cancel] of visible) {
        cancel?.();
        visible.set(element, undefined);
      }
    },
    // The observer says nothing when a hidden page comes back.
    _resume: () => visible.forEach((_, element) => begin(element)),
  };
};
