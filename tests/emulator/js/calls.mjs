// Makes the calls it reads from standard input with the AWS SDK for JavaScript, and writes what came of each.

import { text } from 'node:stream/consumers'
import * as control from '@aws-sdk/client-personalize'
import * as events from '@aws-sdk/client-personalize-events'
import * as runtime from '@aws-sdk/client-personalize-runtime'

const { endpoint, region, credentials, calls } = JSON.parse(await text(process.stdin))
const options = { endpoint, region, credentials, maxAttempts: 1 }
const services = {
  personalize: [control, new control.PersonalizeClient(options)],
  'personalize-events': [events, new events.PersonalizeEventsClient(options)],
  'personalize-runtime': [runtime, new runtime.PersonalizeRuntimeClient(options)],
}

// JSON has no dates; these members are some.
const withDates = (name, value) => (name === 'sentAt' || name === 'timestamp' ? new Date(value * 1000) : value)

const results = []
for (const { service, operation, input } of calls) {
  const [sdk, client] = services[service]
  const parsed = JSON.parse(JSON.stringify(input), withDates)
  try {
    const { $metadata, ...output } = await client.send(new sdk[`${operation}Command`](parsed))
    results.push({ status: $metadata.httpStatusCode, code: null, output })
  } catch (error) {
    results.push({ status: error.$metadata?.httpStatusCode ?? null, code: error.name, output: {} })
  }
}
process.stdout.write(JSON.stringify(results))
