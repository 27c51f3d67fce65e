import type { Relay } from '../window.js';

/** What this file uses of the browser. It is loaded by hand, on pages whose people ask for it. */
export const page = globalThis as unknown as Window & typeof globalThis & { relay?: Relay };

/** Topics of the snippet beyond the public ones. */
interface Heard {
  event: SentEvent;
  seen: Element;
  start: undefined;
  stop: undefined;
  sent: Answer;
  lost: { reason: string; events: number; status?: number; error?: string };
  session: string;
}

/** An event as it travels. */
export interface SentEvent {
  eventId: string;
  eventType: string;
  itemId?: string;
  sentAt: number;
  recommendationId?: string;
  impression?: string[];
  metricAttribution?: { eventAttributionSource: string };
}

/** A relay's answer to a beacon, and the events that were in it. */
export interface Answer {
  accepted: number;
  rejected: { eventId: string; index: number; reason: string; field?: string }[];
  dropped?: { index: number; field: string; reason: string }[];
  ignored?: number;
  identity: string;
  eventList?: SentEvent[];
}

/** Calls the snippet by its queue: `relay` itself may be a name of the page's own. */
const call = (...args: unknown[]): void => {
  (page.relay as { q?: { push(call: unknown): void } } | undefined)?.q?.push([Date.now(), args]);
};

/** Hears what happens in the snippet. */
export const hear = <T extends keyof Heard>(topic: T, listener: (data: Heard[T]) => void): void =>
  call('on', topic, listener);

/** The session, once something is collected. */
export const askSession = (listener: (id: string) => void): void => call('session', listener);

/** An element of the panel. */
export const make = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] => {
  const element = page.document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
};

/** An id for people: as it is, but no turn of its direction reaches what stands beside it. */
export const isolated = (text: string): HTMLElement => make('bdi', '', text);
