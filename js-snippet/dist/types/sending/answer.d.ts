/** What a relay says about the identity token of a beacon. */
export type IdentityResult = 'none' | 'ok' | 'expired' | 'invalid' | 'mismatch' | 'conflict';
/** One event the relay refused, its neighbours taken. */
export interface Rejection {
    index: number;
    eventId: string;
    reason: string;
    /** The field that was wrong. */
    field?: string;
}
/** One field the relay left out of an event that it took. */
export interface Dropped {
    index: number;
    field: string;
    reason: string;
}
/** Body of a 202. */
export interface Taken {
    accepted: number;
    rejected: Rejection[];
    dropped?: Dropped[];
    identity: IdentityResult;
}
/** Why a relay refused a beacon for good. */
export interface Refusal {
    status: number;
    error: string;
    detail?: string;
    field?: string;
}
/** Why an event is given up, as told to the relay. */
export type LostReason = 'outbox_full' | 'refused' | 'too_large';
/** Events that were given up together; those a relay refused with its answer. */
export interface Loss extends Partial<Refusal> {
    reason: LostReason;
    events: number;
}
