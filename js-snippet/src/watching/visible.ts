import type { Env } from '../env.js';

/**
 * Whether a person can see this element, of which `part` is inside the window: it is not transparent or hidden by its
 * styles, not inert, and not behind something opaque in its middle, as far as styles say what is opaque.
 */
export const isVisible = (env: Env, element: Element, { x, y, width, height }: DOMRectReadOnly): boolean => {
  if (
    element.checkVisibility?.({ checkOpacity: true, checkVisibilityCSS: true }) !== false &&
    !element.closest('[inert]')
  ) {
    for (const hit of (env.document as Document).elementsFromPoint((x + width / 2) | 0, (y + height / 2) | 0)) {
      // A part of it, or what it lies in where no part of it can be hit.
      if (element.contains(hit) || hit.contains(element)) {
        return true;
      }
      const { opacity, backgroundColor, backgroundImage } = env.getComputedStyle(hit);
      // Images and frames; pictures and colours without transparency.
      if (+opacity > 0.9 && ((hit as HTMLImageElement).src || /url|rgb\(/.test(backgroundImage + backgroundColor))) {
        break;
      }
    }
  }
  return false;
};

/** The largest part of an element that can be in sight at once: what clips it, a panel that scrolls say, may be small. */
export const room = (env: Env, element: Element): [width: number, height: number] => {
  let width = env.innerWidth;
  // An autosized frame is higher than any screen.
  let height = Math.min(env.innerHeight, env.screen.height);
  for (let around = element.parentElement; around; around = around.parentElement) {
    if (env.getComputedStyle(around).overflow !== 'visible') {
      width = Math.min(width, around.clientWidth || width);
      height = Math.min(height, around.clientHeight || height);
    }
  }
  return [width, height];
};
