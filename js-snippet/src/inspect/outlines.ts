import { guard } from '../guard.js';
import { attribute } from '../watching/attribute.js';
import { isolated, make, page } from './page.js';
import { createProgress } from './progress.js';

const ITEMS = '[data-relay-item]';
const LISTS = '[data-relay-list]';
/** How often places and seconds are looked at. */
const LOOK_MS = 100;
/** How often the page is searched for what is new. */
const SEARCH_MS = 500;
/** Boxes at once: more than a window holds. */
const MOST_BOXES = 300;

interface Box {
  box: HTMLElement;
  fill?: HTMLElement;
}

/** Boxes around the items and lists in the window. */
export interface Outlines {
  element: HTMLElement;
  /** The snippet has seen it. */
  see(item: Element): void;
  show(isShown: boolean): void;
  stop(): void;
}

/** What a list says of itself. */
export const listName = (list: Element): string => {
  const id = attribute(list, 'recommendation-id');
  return `${attribute(list, 'source') || 'list without a source'} · ${id || 'no recommendation id'}`;
};

const boxOf = (element: Element): Box => {
  if (element.matches(LISTS)) {
    return { box: make('div', 'box list', make('span', 'label', isolated(listName(element)))) };
  }
  const type = attribute(element, 'event');
  const id = attribute(element, 'item') || 'no item id';
  const label = make('span', 'label', ...(type ? [`${type} `] : []), isolated(id));
  if (type || !element.closest(LISTS)) {
    return { box: make('div', 'box', label) };
  }
  const fill = make('div', 'fill');
  return { box: make('div', 'box', label, fill), fill };
};

const place = ({ style }: HTMLElement, { left, top, width, height }: DOMRect): void => {
  style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  style.width = `${Math.round(width)}px`;
  style.height = `${Math.round(height)}px`;
};

export const createOutlines = (): Outlines => {
  const element = make('div', 'boxes');
  element.setAttribute('aria-hidden', 'true'); // What it shows is in the panel, too.
  const boxes = new Map<Element, Box>();
  const seen = new WeakSet<Element>();
  const watched = new Set<Element>();
  const progress = createProgress();

  const remove = (target: Element) => {
    boxes.get(target)?.box.remove();
    boxes.delete(target);
    progress.forget(target);
  };
  const draw = (target: Element) => {
    const drawn = boxOf(target);
    drawn.box.classList.toggle('seen', seen.has(target));
    element.append(drawn.box);
    boxes.set(target, drawn);
  };
  const inWindow = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting && boxes.size < MOST_BOXES && !boxes.has(target)) {
        draw(target);
      } else if (!isIntersecting) {
        remove(target);
      }
    }
    look();
  });
  const search = () => {
    for (const target of watched) {
      if (!target.isConnected) {
        inWindow.unobserve(target);
        watched.delete(target);
        remove(target);
      }
    }
    for (const target of page.document.querySelectorAll(`${LISTS},${ITEMS}`)) {
      if (!watched.has(target)) {
        watched.add(target);
        inWindow.observe(target);
      }
    }
  };
  const look = () => {
    for (const [target, { box, fill }] of boxes) {
      const rect = target.getBoundingClientRect();
      place(box, rect);
      box.classList.toggle('high', rect.top < 20);
      if (fill) {
        fill.style.transform = `scaleX(${seen.has(target) ? 1 : progress.of(target, rect)})`;
      }
    }
  };
  const lookSafely = () => guard(look);
  const timers = [setInterval(lookSafely, LOOK_MS), setInterval(() => guard(search), SEARCH_MS)];
  // The boxes go along with what scrolls.
  addEventListener('scroll', lookSafely, { capture: true, passive: true });
  guard(search);

  return {
    element,
    see(item) {
      seen.add(item);
      boxes.get(item)?.box.classList.add('seen');
    },
    show(isShown) {
      element.hidden = !isShown;
    },
    stop() {
      timers.forEach(clearInterval);
      removeEventListener('scroll', lookSafely, { capture: true });
      inWindow.disconnect();
    },
  };
};
