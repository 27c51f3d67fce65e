/** What a page may say about an event; the names are those of PutEvents. */
export interface EventFields {
    itemId?: string | number | null | undefined;
    /** A number, or one as JSON writes it: `'19.90'`. */
    eventValue?: number | string | null | undefined;
    properties?: Record<string, unknown> | string | null | undefined;
    recommendationId?: string | null | undefined;
    /** Items seen with it, at most 25. */
    impression?: string[] | null | undefined;
    metricAttribution?: {
        eventAttributionSource: string;
    } | null | undefined;
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
/** The fields of an event that say where its item was shown: by which recommendation, at which place of the site. */
export declare const originFields: (recommendationId: string | null | undefined, source: string | null | undefined) => EventFields;
/**
 * The fields as the relay takes them: a value that cannot be used costs itself and not the event.
 *
 * @param say Is told what is left out.
 */
export declare const usable: (fields: EventFields, say: (line: string) => undefined) => EventFields;
