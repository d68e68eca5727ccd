// An SQS consumer as the documentation of Powertools for AWS Lambda (TypeScript) shows it: the batch processor runs the
// records side by side, each one made idempotent by its eventId, with one write as its effect.
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';

const RETENTION_SECONDS = 30 * 24 * 3600;

const client = new DynamoDBClient({});
const processor = new BatchProcessor(EventType.SQS);
const config = new IdempotencyConfig({ eventKeyJmesPath: 'eventId', expiresAfterSeconds: RETENTION_SECONDS });
const persistenceStore = new DynamoDBPersistenceLayer({ tableName: process.env.LEDGER_TABLE_NAME });

const applyOnce = makeIdempotent(apply, { persistenceStore, config });

async function apply(event) {
  const { customerId, items, total } = event.payload;
  await client.send(
    new UpdateItemCommand({
      TableName: process.env.VIEWS_TABLE_NAME,
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
  return event.eventId;
}

async function handleRecord(record) {
  const event = JSON.parse(JSON.parse(record.body).Message);
  if (event.eventType !== 'OrderCreated') {
    throw new Error(`unknown event type ${event.eventType}`);
  }
  await applyOnce(event);
}

export const handler = async (event, context) => {
  config.registerLambdaContext(context);
  return processPartialResponse(event, handleRecord, processor, { context, throwOnFullBatchFailure: false });
};
