import type { Bus } from './bus.js';
import type { Env } from './env.js';

/** Media Rating Council, display: at least half of it for at least one second without a break. */
const MIN_SHARE = 0.5;
const MIN_MS = 1000;
/** Every hundredth up to half: an element of 25 screens is seen at a ratio of 0.02, and no step is missed by much. */
const THRESHOLDS = [...Array(51).keys()].map((i) => i / 100);

type OnSeen = (element: Element) => void;

/** Tells when elements have been looked at long enough. One IntersectionObserver for all of them. */
export interface Dwell {
  /** Calls `onSeen` each time the element has been half visible for a second of a visible page. */
  _watch(element: Element, onSeen: OnSeen): void;
  _unwatch(element: Element): void;
}

export const createDwell = (env: Env, bus: Bus): Dwell => {
  const watched = new WeakMap<Element, OnSeen>();
  /** Timers of the elements visible enough now. */
  const timers = new Map<Element, number>();

  const end = (element: Element) => {
    env.clearTimeout(timers.get(element));
    timers.delete(element);
  };
  const begin = (element: Element) => {
    timers.set(
      element,
      env.setTimeout(() => watched.get(element)?.(element), MIN_MS),
    );
  };

  const observer = new env.IntersectionObserver(
    (entries) => {
      for (const { target, intersectionRatio, intersectionRect: part } of entries) {
        const share = Math.max(
          intersectionRatio,
          // Larger than the window, it is seen when it fills half of the window.
          (part.width * part.height) / (env.innerWidth * env.innerHeight),
        );
        if (share >= MIN_SHARE !== timers.has(target)) {
          (share >= MIN_SHARE ? begin : end)(target);
        }
      }
    },
    { threshold: THRESHOLDS },
  );

  bus._on('hide', () => {
    timers.forEach((timer) => {
      env.clearTimeout(timer);
    });
  });
  // The observer says nothing when a hidden page comes back; what is looked at then begins anew.
  bus._on('show', () => {
    timers.forEach((_, element) => {
      begin(element);
    });
  });

  return {
    _watch(element, onSeen) {
      watched.set(element, onSeen);
      observer.observe(element);
    },
    _unwatch(element) {
      observer.unobserve(element);
      end(element);
    },
  };
};
