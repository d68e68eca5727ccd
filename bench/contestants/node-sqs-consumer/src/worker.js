// A long-polling worker as the documentation of sqs-consumer shows it, with batches of 10 handled side by side and deleted
// together: for each message the same three DynamoDB calls as the other hand-written contestants.
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { Consumer } from 'sqs-consumer';

const RETENTION_SECONDS = 30 * 24 * 3600;

const ledger = process.env.LEDGER_TABLE_NAME;
const views = process.env.VIEWS_TABLE_NAME;
const client = new DynamoDBClient({});

// Whether this event is ours to handle: false when somebody already did.
async function claim(eventId) {
  const expiresAt = Math.floor(Date.now() / 1000) + RETENTION_SECONDS;
  try {
    await client.send(
      new PutItemCommand({
        TableName: ledger,
        Item: { pk: { S: eventId }, status: { S: 'INPROGRESS' }, ttl: { N: String(expiresAt) } },
        ConditionExpression: 'attribute_not_exists(pk)',
      })
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) {
      return false;
    }
    throw error;
  }
}

async function apply(event) {
  const { customerId, items, total } = event.payload;
  await client.send(
    new UpdateItemCommand({
      TableName: views,
      Key: { pk: { S: `order#${event.aggregateId}` }, sk: { S: 'summary' } },
      UpdateExpression:
        'SET customerId = :customer, itemCount = :items, totalMinorUnits = :total, currency = :currency, ' +
        'createdAt = :at ADD appliedCount :one',
      ExpressionAttributeValues: {
        ':customer': { S: customerId },
        ':items': { N: String(items.length) },
        ':total': { N: String(total.minorUnits) },
        ':currency': { S: total.currency },
        ':at': { S: event.timestamp },
        ':one': { N: '1' },
      },
    })
  );
}

async function complete(eventId) {
  await client.send(
    new UpdateItemCommand({
      TableName: ledger,
      Key: { pk: { S: eventId } },
      UpdateExpression: 'SET #status = :done',
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: { ':done': { S: 'COMPLETED' } },
    })
  );
}

async function handle(message) {
  const event = JSON.parse(JSON.parse(message.Body).Message);
  if (event.eventType !== 'OrderCreated') {
    throw new Error(`unknown event type ${event.eventType}`);
  }
  if (await claim(event.eventId)) {
    await apply(event);
    await complete(event.eventId);
  }
  return message;
}

const consumer = Consumer.create({
  queueUrl: process.env.CONSUMER_QUEUE_URL,
  batchSize: 10,
  waitTimeSeconds: 20,
  handleMessageBatch: async (messages) => {
    const results = await Promise.allSettled(messages.map(handle));
    return results.filter((result) => result.status === 'fulfilled').map((result) => result.value);
  },
});

consumer.on('error', (error) => console.error(error.message));
consumer.on('processing_error', (error) => console.error(error.message));
consumer.on('stopped', () => process.exit(0));
process.on('SIGTERM', () => consumer.stop({ abort: true }));
consumer.start();
