"""What can be seen from outside: ledger, views, dead-letter queue, and what the consumer reports of itself."""

import collections
import dataclasses
import json
import re
import time

from localaws import functionlogs
from localaws.aws import Aws

CONSUMER_NAME = "orders-view"
METRICS = ("Handled", "Duplicates", "Parked", "Retries", "Ignored", "DynamoDbRequests")
BATCH_GET_KEYS_MAX = 100
# Parked messages are only looked at: they are hidden for the look and shown again right after it.
LOOK_VISIBILITY_S = 30
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclasses.dataclass(frozen=True)
class Parked:
    message_id: str
    reason: str
    error: str


@dataclasses.dataclass(frozen=True)
class OrderRow:
    customer_id: str
    total: int
    paid: int
    status: str


class Observer:
    def __init__(self, aws: Aws, outputs: dict[str, str]):
        self._aws = aws
        self._outputs = outputs
        self._dynamodb, self._sqs = aws.client("dynamodb"), aws.client("sqs")
        # Where the stack has a FIFO queue, a second function with the same code takes from it.
        functions = [
            outputs[name] for name in ("ConsumerFunctionName", "OrderedConsumerFunctionName") if name in outputs
        ]
        self._log_groups = [group for function in functions for group in functionlogs.log_groups(aws, function)]
        self._queues = [outputs[name] for name in ("ConsumerQueueUrl", "FifoQueueUrl") if name in outputs]
        self._since_ms = int(time.time() * 1000)

    def messages_in_queue(self) -> int:
        """Waiting, being handled, or coming back later."""
        names = ["", "NotVisible", "Delayed"]
        attributes = [f"ApproximateNumberOfMessages{name}" for name in names]
        answers = [self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=attributes) for url in self._queues]
        return sum(int(answer["Attributes"].get(name, 0)) for answer in answers for name in attributes)

    def handled_among(self, event_ids: set[str]) -> set[str]:
        """Those events that have a ledger row."""
        keys = [{"pk": {"S": f"{CONSUMER_NAME}#{event_id}"}} for event_id in event_ids]
        rows = self._batch_get(self._outputs["LedgerTableName"], keys, "pk")
        return {row["pk"]["S"].removeprefix(f"{CONSUMER_NAME}#") for row in rows}

    def order_rows(self, order_ids: list[str]) -> dict[str, OrderRow]:
        keys = [{"pk": {"S": f"order#{order_id}"}, "sk": {"S": "summary"}} for order_id in order_ids]
        return {
            row["pk"]["S"].removeprefix("order#"): _order_row(row)
            for row in self._batch_get(self._outputs["ViewsTableName"], keys)
        }

    def parked_among(self, poison_ids: set[str]) -> dict[str, list[Parked]]:
        """Parked messages by the poison id in their body. Messages of others stay in the queue as they were."""
        found: dict[str, list[Parked]] = collections.defaultdict(list)
        for message in self._look_at_dead_letters():
            for poison_id in poison_ids.intersection(UUID.findall(message["Body"])):
                attributes = message.get("MessageAttributes", {})
                text = {name: value.get("StringValue", "") for name, value in attributes.items()}
                reason, error = text.get("ParkedReason", "(no ParkedReason)"), text.get("ParkedError", "")
                found[poison_id].append(Parked(message["MessageId"], reason, error))
        return found

    def consumer_metrics(self) -> collections.Counter:
        """Sums of the embedded metrics that the consumer has logged since this observer was made."""
        sums = collections.Counter(dict.fromkeys(METRICS, 0))
        for event in functionlogs.events(self._aws, self._log_groups, self._since_ms):
            line = _metrics_line(event["message"])
            if line and line.get("Consumer") == CONSUMER_NAME:
                sums.update({name: int(line.get(name, 0)) for name in METRICS})
        return sums

    def _batch_get(self, table: str, keys: list[dict], projection: str = "") -> list[dict]:
        rows = []
        options = {"ConsistentRead": True} | ({"ProjectionExpression": projection} if projection else {})
        for start in range(0, len(keys), BATCH_GET_KEYS_MAX):
            pending = {table: {"Keys": keys[start : start + BATCH_GET_KEYS_MAX], **options}}
            while pending:
                answer = self._dynamodb.batch_get_item(RequestItems=pending)
                rows += answer["Responses"].get(table, [])
                pending = answer.get("UnprocessedKeys")
        return rows

    def _look_at_dead_letters(self) -> list[dict]:
        queue = self._outputs["ConsumerDlqUrl"]
        seen: dict[str, dict] = {}
        while batch := self._sqs.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            VisibilityTimeout=LOOK_VISIBILITY_S,
        ).get("Messages"):
            fresh = [message for message in batch if message["MessageId"] not in seen]
            seen.update((message["MessageId"], message) for message in batch)
            if not fresh:
                break
        receipts = [message["ReceiptHandle"] for message in seen.values()]
        for start in range(0, len(receipts), 10):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                for number, receipt in enumerate(receipts[start : start + 10])
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=queue, Entries=entries)
        return list(seen.values())


def _order_row(row: dict) -> OrderRow:
    def number(name: str) -> int:
        return int(row.get(name, {}).get("N", 0))

    def text(name: str) -> str:
        return row.get(name, {}).get("S", "")

    return OrderRow(text("customerId"), number("totalMinorUnits"), number("paidMinorUnits"), text("status"))


def _metrics_line(message: str) -> dict | None:
    if '"_aws"' not in message:
        return None
    try:
        return json.loads(message)
    except json.JSONDecodeError:
        return None
