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
/** Where an item was shown: the recommendation, the place on the site. */
export interface Origin {
    recommendationId?: string | undefined;
    source?: string | undefined;
}
/** The fields of an event that say where its item was shown. */
export declare const originFields: ({ recommendationId, source }: Origin) => EventFields;
