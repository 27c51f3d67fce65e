// A page with Amplify's Analytics as its documentation has it; only the credentials do not come from Cognito.

import { flushEvents, record } from '@aws-amplify/analytics/personalize'
import { Amplify } from '@aws-amplify/core'

const credentials = { accessKeyId: 'AMPLIFY', secretAccessKey: 'emulator' }
const credentialsProvider = {
  getCredentialsAndIdentityId: async () => ({ credentials, identityId: 'visitor' }),
  clearCredentialsAndIdentityId: async () => {},
}

globalThis.start = trackingId => {
  const Personalize = { trackingId, region: 'us-east-1', flushSize: 5, flushInterval: 50 }
  Amplify.configure({ Analytics: { Personalize } }, { Auth: { credentialsProvider } })
}
globalThis.click = (userId, itemId) => record({ userId, eventType: 'Click', properties: { itemId } })
globalThis.flush = () => flushEvents()
