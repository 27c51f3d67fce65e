// Peer (c): Fastify and the AWS SDK for JavaScript v3, one PutEvents a request, nothing stored.
import { PersonalizeEventsClient, PutEventsCommand } from '@aws-sdk/client-personalize-events';
import Fastify from 'fastify';

const app = Fastify();
const client = new PersonalizeEventsClient({});

app.get('/healthz', async () => 'ok');
app.post('/r/e', async (request, reply) => {
  const { sessionId, eventList } = request.body;
  await client.send(
    new PutEventsCommand({
      trackingId: 'bench',
      sessionId,
      eventList: eventList.map((event) => ({
        ...event,
        sentAt: new Date(event.sentAt),
        properties: JSON.stringify(event.properties),
      })),
    }),
  );
  reply.code(202);
  return { accepted: eventList.length };
});

await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
