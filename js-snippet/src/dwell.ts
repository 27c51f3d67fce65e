import type { Bus } from './bus.js';
import type { Env } from './env.js';
import { guard } from './guard.js';

/** Media Rating Council, display: at least half of it for at least one second without a break. */
const MIN_SHARE = 0.5;
const MIN_MS = 1000;

/** Tells when elements have been looked at long enough. One IntersectionObserver for all of them. */
export interface Dwell {
  /**
   * Emits `seen` each time the element has been half visible for a second of a visible page. Again changes nothing.
   * Never throws.
   */
  _watch(element: Element): void;
  _unwatch(element: Element): void;
}

export const createDwell = (env: Env, bus: Bus): Dwell => {
  /** Timers of the elements visible enough now; none runs while the page is hidden. */
  const timers = new Map<Element, number | undefined>();
  let observer: IntersectionObserver | undefined;

  const end = (element: Element) => {
    env.clearTimeout(timers.get(element));
    timers.delete(element);
  };
  const begin = (element: Element) => {
    env.clearTimeout(timers.get(element));
    timers.set(
      element,
      // The observer may speak of the time before a hide after it. A prerendered page is hidden too.
      (env.document as Document).hidden ? undefined : bus._later(() => bus._emit('seen', element), MIN_MS),
    );
  };
  const beginAnew = () => {
    for (const element of timers.keys()) {
      begin(element);
    }
  };

  /** Of what is larger than the window, as much counts as the window can hold. */
  const isHalf = (part: DOMRectReadOnly, whole: DOMRectReadOnly) =>
    part.width * part.height >=
    MIN_SHARE * Math.min(whole.width, env.innerWidth) * Math.min(whole.height, env.innerHeight);

  const observe = (entries: IntersectionObserverEntry[]) => {
    for (const entry of entries) {
      const { target } = entry;
      // Rectangles cost time, and at first most of a long list is out of sight.
      const isSeen = entry.isIntersecting && isHalf(entry.intersectionRect, entry.boundingClientRect);
      if (isSeen !== timers.has(target)) {
        (isSeen ? begin : end)(target);
      }
    }
  };

  // The observer says nothing when a hidden page comes back.
  bus._on('hide', beginAnew);
  bus._on('show', beginAnew);

  return {
    _watch(element) {
      guard(() => {
        observer ??= new env.IntersectionObserver(bus._enter(observe), {
          // Ratios up to half, close together where small: half a window of an element of 100 windows is a 200th.
          threshold: [...Array(51).keys()].map((i) => i ** 2 / 5000),
        });
        observer.observe(element);
      });
    },
    _unwatch(element) {
      observer?.unobserve(element);
      end(element);
    },
  };
};
