import { type Answer, isolated, make, type SentEvent } from './page.js';

/** Events kept in sight. */
const MOST = 100;

/** The events of this page, the newest first, each with what the relay said to it. */
export interface EventRows {
  element: HTMLElement;
  /** It has happened, and waits. */
  add(event: SentEvent): void;
  answer(answer: Answer): void;
  lose(loss: { reason: string; events: number; status?: number; error?: string }): void;
}

/** Time of day, to the second, with its zone: what logs of the relay are compared with. */
const clock = (at: number): HTMLTimeElement => {
  const time = make('time', '', new Date(at).toLocaleTimeString([], { hour12: false, timeZoneName: 'short' }));
  time.dateTime = new Date(at).toISOString();
  return time;
};

const detailOf = ({ recommendationId, impression, metricAttribution }: SentEvent): string =>
  [
    impression?.[0] && `${impression.length} seen`,
    metricAttribution && `from ${metricAttribution.eventAttributionSource}`,
    recommendationId && `by ${recommendationId}`,
  ]
    .filter(Boolean)
    .join(', ');

/** What the relay said to one event of a beacon. */
const verdictOf = (answer: Answer, { eventId }: SentEvent, index: number): [text: string, className: string] => {
  if (answer.ignored) {
    return ['left out: taken for a robot', 'bad'];
  }
  const rejected = answer.rejected.find((one) => one.eventId === eventId || one.index === index);
  if (rejected) {
    // It was taken before, at hide or by a try whose answer got lost.
    return rejected.reason === 'duplicate'
      ? ['accepted before', 'good']
      : [`refused: ${rejected.reason} ${rejected.field ?? ''}`, 'bad'];
  }
  const dropped = answer.dropped?.filter((one) => one.index === index) ?? [];
  return dropped[0]
    ? [`accepted, without ${dropped.map(({ field, reason }) => `${field} (${reason})`).join(', ')}`, 'bad']
    : ['accepted', 'good'];
};

export const createEventRows = (): EventRows => {
  const element = make('ol', 'events');
  const verdicts = new Map<string, HTMLElement>();
  const put = (row: HTMLElement) => {
    element.prepend(row);
    if (element.childElementCount > MOST) {
      element.lastElementChild?.remove();
    }
  };
  const say = (verdict: HTMLElement, [text, className]: [string, string]) => {
    verdict.textContent = text;
    verdict.className = `verdict ${className}`;
  };
  const add = (event: SentEvent): HTMLElement => {
    const verdict = make('span', 'verdict', 'waits to be sent');
    const detail = detailOf(event);
    put(
      make('li', '', clock(event.sentAt), ` ${event.eventType} `, isolated(event.itemId ?? ''), ` ${detail}`, verdict),
    );
    verdicts.set(event.eventId, verdict);
    for (const old of [...verdicts.keys()].slice(0, -MOST)) {
      verdicts.delete(old);
    }
    return verdict;
  };
  return {
    element,
    add,
    answer(answer) {
      answer.eventList?.forEach((event, index) => {
        // Those of the page before, or of before this file was there, come with their answer.
        say(verdicts.get(event.eventId) ?? add(event), verdictOf(answer, event, index));
      });
    },
    lose({ reason, events, status, error }) {
      const verdict = make('span', 'verdict');
      say(verdict, [`${reason} ${status ? `${status} ${error}` : ''}`, 'bad']);
      put(make('li', '', clock(Date.now()), ` ${events} events given up`, verdict));
    },
  };
};
