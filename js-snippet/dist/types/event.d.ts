/** What a page may say about an event; the names are those of PutEvents. */
export interface EventFields {
    itemId?: string | undefined;
    eventValue?: number | undefined;
    properties?: Record<string, unknown> | string | undefined;
    recommendationId?: string | undefined;
    /** Items seen with it, at most 25. */
    impression?: string[] | undefined;
    metricAttribution?: {
        eventAttributionSource: string;
    } | undefined;
}
/** One thing a visitor did, as it travels. */
export interface RelayEvent extends EventFields {
    /** The same on every try. */
    eventId: string;
    eventType: string;
    /** Milliseconds by the browser's clock. */
    sentAt: number;
}
/** The fields of an event that say where its item was shown: by which recommendation, at which place of the site. */
export declare const originFields: (recommendationId: string | null | undefined, source: string | null | undefined) => EventFields;
