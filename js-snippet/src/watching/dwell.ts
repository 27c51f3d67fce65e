import type { Bus } from '../bus.js';
import type { Env } from '../env.js';
import { guard } from '../guard.js';
import { attribute } from './attribute.js';
import { isVisible, room } from './visible.js';

/** Media Rating Council, display: at least half of it for at least one second without a break. */
const MIN_SHARE = 0.5;
const MIN_MS = 1000;
/** What is in the window and cannot be seen, or has no size yet, is looked at again so often; with twice as many, half as often. */
const AGAIN_MS = 300;
const FEW = 32;
/** An item drawn anew within this time goes on with its second. */
const REDRAWN_MS = 500;
const MAX_LEFT = 500;

/** Tells when elements have been looked at long enough. One IntersectionObserver for all of them. */
export interface Dwell {
  /**
   * Emits `seen` each time the element has been half visible for a second of a visible page. Again changes nothing.
   * Never throws.
   */
  _watch(element: Element): void;
  _unwatch(element: Element): void;
}

/** An element in the window. */
interface Sight {
  _timer?: number | undefined;
  /** When its second began; 0 while it cannot be seen, infinite once it was. */
  _since: number;
  /** The observer was asked to look at it anew. */
  _isDue?: boolean;
}

export const createDwell = (env: Env, bus: Bus): Dwell => {
  const sights = new Map<Element, Sight>();
  /** What is looked at in place of elements that have no box of their own, or one of no size: their children. */
  const stands = new WeakMap<Element, Set<Element>>();
  /** Items that left the document a moment ago, with their second. */
  const left = new Map<string, readonly [since: number, leftAt: number]>();
  const document = env.document as Document;
  let observer: IntersectionObserver | undefined;

  const end = (element: Element) => {
    env.clearTimeout(sights.get(element)?._timer);
    sights.delete(element);
  };

  /** Has the observer tell anew where the element is; it says nothing by itself while the share stays the same. */
  const lookIn = (element: Element, sight: Sight, ms: number) => {
    const look = () => {
      sight._isDue = true;
      observer?.unobserve(element);
      observer?.observe(element);
    };
    env.clearTimeout(sight._timer);
    // A prerendered page is hidden too.
    sight._timer = document.hidden ? undefined : bus._later(look, ms);
  };

  const tell = (element: Element) => {
    const items = stands.get(element);
    if (items) {
      items.forEach(tell);
    } else {
      bus._emit('seen', element);
    }
  };

  const observe = ({
    target,
    isIntersecting,
    intersectionRect: part,
    boundingClientRect,
    rootBounds,
    // The visitor's clock may be set meanwhile; this one is not.
    time: now,
  }: IntersectionObserverEntry) => {
    const { width, height } = boundingClientRect;
    // Firefox gives an area the box of its picture, which then covers it.
    const map = target.closest('area')?.closest('map');
    const hasSize = !map && width * height > 0;
    const itemId = attribute(target, 'item') as string;
    const isHalf = (most: readonly [width: number, height: number]) =>
      part.width * part.height >= MIN_SHARE * Math.min(width, most[0]) * Math.min(height, most[1]);
    let sight = sights.get(target);
    if (!hasSize) {
      for (const child of map ? document.querySelectorAll(`[usemap="#${map.name}"]`) : target.children) {
        stands.set(child, (stands.get(child) ?? new Set()).add(target));
        observer?.observe(child);
      }
    }
    // Styles cost time, and most are in sight as a whole.
    if (
      isIntersecting &&
      (!hasSize ||
        isHalf([rootBounds?.width ?? env.innerWidth, rootBounds?.height ?? env.innerHeight]) ||
        isHalf(room(env, target)))
    ) {
      sight ??= { _since: 0 };
      sights.set(target, sight);
      const isDue = sight._isDue;
      if (isDue || !sight._since) {
        const isSeen = hasSize && (!isDue || isVisible(env, target, part));
        const [since = 0, leftAt] = left.get(itemId) ?? [];
        sight._since = isSeen ? sight._since || (now - (leftAt as number) < REDRAWN_MS ? since : now) : 0;
        sight._isDue = false;
        if (isSeen && isDue && now - sight._since >= MIN_MS) {
          sight._since = Infinity;
          tell(target);
        } else {
          // All at once: a frame with one look has the browser look at all it observes.
          const againMs = AGAIN_MS << (32 - Math.clz32(sights.size / FEW));
          lookIn(target, sight, isSeen ? sight._since + MIN_MS - now : againMs - (now % againMs));
        }
      }
    } else {
      if (sight?._since && !target.isConnected) {
        if (left.size > MAX_LEFT) {
          left.clear();
        }
        left.set(itemId, [sight._since, now]);
      }
      end(target);
    }
  };

  const beginAnew = () => {
    left.clear();
    sights.forEach((sight, element) => {
      sight._since = 0;
      lookIn(element, sight, 0);
    });
  };

  // The observer says nothing when a hidden page comes back.
  bus._on('hide', beginAnew);
  bus._on('show', beginAnew);
  bus._on('stop', () => {
    observer?.disconnect();
    observer = undefined;
    [...sights.keys()].forEach(end);
    left.clear();
  });

  return {
    _watch(element) {
      guard(() => {
        observer ??= new env.IntersectionObserver(
          bus._enter((entries) => entries.forEach(bus._enter(observe))),
          {
            // Ratios up to half, close together where small: half a window of an element of 100 windows is a 200th.
            threshold: [...Array(51).keys()].map((i) => i ** 2 / 5000),
          },
        );
        observer.observe(element);
      });
    },
    _unwatch(element) {
      observer?.unobserve(element);
      end(element);
    },
  };
};
