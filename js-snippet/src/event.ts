import { guard } from './guard.js';
import { stringify } from './json.js';

/** What a page may say about an event; the names are those of PutEvents. */
export interface EventFields {
  itemId?: string | number | null | undefined;
  /** A number, or one as JSON writes it: `'19.90'`. */
  eventValue?: number | string | null | undefined;
  properties?: Record<string, unknown> | string | null | undefined;
  recommendationId?: string | null | undefined;
  /** Items seen with it, at most 25. */
  impression?: string[] | null | undefined;
  metricAttribution?: { eventAttributionSource: string } | null | undefined;
}

/** One thing a visitor did, as it travels. */
export interface RelayEvent extends EventFields {
  /** The same on every try. */
  eventId: string;
  eventType: string;
  /** Milliseconds by the browser's clock. */
  sentAt: number;
}

/** An event that waits, as it is stored: with its session, and the number of the token the page went by. */
export type Entry = readonly [sessionId: string, event: RelayEvent, number?: number | undefined];

/** What the service takes as a source. */
const SOURCE = /^[ -~]{1,1024}$/;

/** The fields of an event that say where its item was shown: by which recommendation, at which place of the site. */
export const originFields = (
  recommendationId: string | null | undefined,
  source: string | null | undefined,
): EventFields => ({
  recommendationId: recommendationId || undefined,
  metricAttribution: source ? { eventAttributionSource: source } : undefined,
});

/**
 * The fields as the relay takes them: a value that cannot be used costs itself and not the event.
 *
 * @param say Is told what is left out.
 */
export const usable = (fields: EventFields, say: (line: string) => undefined): EventFields => {
  const { itemId, eventValue, properties, recommendationId, metricAttribution } = fields;
  const keep = <T>(value: T, isUsable: unknown, name: string): T | undefined =>
    isUsable ? value : value ? say(`${name} left out: ${value}`) : undefined;
  // By the grammar of JSON, as the relay has it: "19,90" is no number.
  const number = eventValue && guard(() => JSON.parse(eventValue as string));
  return {
    ...fields,
    itemId: Number.isInteger(itemId) ? `${itemId}` : itemId,
    eventValue: keep(eventValue, Number.isFinite(number), 'eventValue') && number,
    properties: keep(
      properties,
      guard(() => properties && stringify(properties)),
      'properties',
    ),
    recommendationId: recommendationId || undefined,
    metricAttribution: keep(
      metricAttribution,
      SOURCE.test(metricAttribution?.eventAttributionSource as string),
      'source',
    ),
  };
};
