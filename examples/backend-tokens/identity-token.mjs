// An identity token in Node.js without any package. RELAY_SECRET_KEYS=… node identity-token.mjs [--session ID] [--ttl SECONDS] USER_ID
import { createHmac } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

/**
 * The token for a user who has just logged in.
 * @param {string} key the first of the relay's RELAY_SECRET_KEYS
 * @param {string} userId the same text as in Personalize, 1 to 256 characters
 * @param {{sessionId?: string, ttlS?: number}} [options] the only session it is for; how long it lives
 * @throws {RangeError} the key is not one a relay takes: with an empty one anybody could sign
 */
export function identityToken(key, userId, { sessionId, ttlS } = {}) {
  if (key.length < 32) {
    throw new RangeError(`RELAY_SECRET_KEYS: the first key has ${key.length} characters, at least 32`);
  }
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: userId, sid: sessionId, exp: ttlS === undefined ? undefined : now + ttlS }; // undefined is left out
  const time = Buffer.alloc(4); // unsigned: good until 2106
  time.writeUInt32BE(now);
  const signed = `${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${time.toString('base64url')}`;
  return `${signed}.${hmac(hmac(key, 'relay.identity.v1'), signed).toString('base64url')}`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const options = { session: { type: 'string' }, ttl: { type: 'string' } };
  const { positionals, values } = parseArgs({ allowPositionals: true, options });
  const key = (process.env.RELAY_SECRET_KEYS ?? '').split(',')[0].trim();
  const ttlS = values.ttl === undefined ? undefined : Number(values.ttl);
  try {
    console.log(identityToken(key, positionals[0], { sessionId: values.session, ttlS }));
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
