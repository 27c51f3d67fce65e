// node mint.mjs USER_ID
import { createHmac } from 'node:crypto'

const base64url = (bytes) => Buffer.from(bytes).toString('base64url')
const hmac = (key, text) => createHmac('sha256', key).update(text).digest()

export function mintIdentity(userId, secretKey, sessionId) {
  const seconds = Math.floor(Date.now() / 1000).toString(16)
  const time = Buffer.from(seconds.padStart(seconds.length + (seconds.length % 2), '0'), 'hex')
  const signed = `${base64url(JSON.stringify({ sub: userId, sid: sessionId }))}.${base64url(time)}`
  return `${signed}.${base64url(hmac(hmac(secretKey, 'relay.identity.v1'), signed))}`
}

console.log(mintIdentity(process.argv[2], process.env.RELAY_SECRET_KEYS.split(',')[0].trim()))
