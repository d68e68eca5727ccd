"""An SQS consumer as the documentation of Powertools for AWS Lambda (Python) shows it: the batch processor hands over the
records, each one made idempotent by its eventId, with one write as its effect."""

import json
import os

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

RETENTION_SECONDS = 30 * 24 * 3600

views = boto3.client("dynamodb")
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
config = IdempotencyConfig(event_key_jmespath="eventId", expires_after_seconds=RETENTION_SECONDS)
persistence = DynamoDBPersistenceLayer(table_name=os.environ["LEDGER_TABLE_NAME"])


@idempotent_function(data_keyword_argument="event", config=config, persistence_store=persistence)
def apply_once(event: dict) -> str:
    payload = event["payload"]
    total = payload["total"]
    views.update_item(
        TableName=os.environ["VIEWS_TABLE_NAME"],
        Key={"pk": {"S": f"order#{event['aggregateId']}"}, "sk": {"S": "summary"}},
        UpdateExpression=(
            "SET customerId = :customer, itemCount = :items, totalMinorUnits = :total, currency = :currency, "
            "createdAt = :at ADD appliedCount :one"
        ),
        ExpressionAttributeValues={
            ":customer": {"S": payload["customerId"]},
            ":items": {"N": str(len(payload["items"]))},
            ":total": {"N": str(total["minorUnits"])},
            ":currency": {"S": total["currency"]},
            ":at": {"S": event["timestamp"]},
            ":one": {"N": "1"},
        },
    )
    return event["eventId"]


def handle_record(record: SQSRecord) -> None:
    event = json.loads(json.loads(record.body)["Message"])
    if event["eventType"] != "OrderCreated":
        raise ValueError(f"unknown event type {event['eventType']}")
    apply_once(event=event)


def handler(event, context):
    config.register_lambda_context(context)
    return process_partial_response(
        event=event, record_handler=handle_record, processor=processor, context=context
    )
