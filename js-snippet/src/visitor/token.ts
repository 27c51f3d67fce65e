import type { Env } from '../env.js';
import { guard } from '../guard.js';

/** Whose token it is, as far as a page can tell: only a relay can say whether it is true. */
export type Claims = readonly [
  /** A number for the user, the same for all tokens of theirs that say so. Never 0 or `SOMEBODY`; `UNREAD` where they do not. */
  who: number,
  /** The one session it is for, if it names one. */
  sessionId?: string,
];

/** Logged in, but nobody can say as whom. */
export const SOMEBODY = 1;
/** Of tokens that do not say whose they are: compressed ones, or JWTs whose users are in another claim. */
export const UNREAD = 2;

/** A number for a text. */
export const numberOf = (text: string): number =>
  [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1e9, 2);

/**
 * Reads a relay's identity token (`payload.time.signature`), or a site's JWT (`header.payload.signature`). Users whom
 * theirs do not name are taken for one until a relay tells them apart; their tokens never stand in for each other.
 */
export const readToken = (env: Env, token: string): Claims => {
  const claims = token
    .split('.')
    .map((part) => guard(() => JSON.parse(env.atob(part.replace(/-/g, '+').replace(/_/g, '/')))))
    .find((read) => read?.sub);
  return [claims ? numberOf(`${claims.sub}`) : UNREAD, claims?.sid];
};
