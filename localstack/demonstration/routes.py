"""Ways an event reaches the consumer: SNS, EventBridge, the queue itself, the REST API. Plain AWS calls.

The client is a producer from outside: it publishes on the outside way, which the consumer's queues trust and
nothing else in the stack does.
"""

import dataclasses
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from localaws.aws import Aws
from localaws.problem import Problem

from .events import to_json

BATCH_ENTRIES_MAX = 10
SENDERS = 4
SEND_ATTEMPTS = 4
API_TIMEOUT_S = 120.0


@dataclasses.dataclass(frozen=True)
class Message:
    """A body with the attributes that the wire format asks for on SNS."""

    body: str
    event_type: str
    aggregate_type: str
    aggregate_id: str = ""
    event_id: str = ""

    @staticmethod
    def of(event: dict) -> "Message":
        names = ("eventType", "aggregateType", "aggregateId", "eventId")
        return Message(to_json(event), *(event[name] for name in names))


class Routes:
    def __init__(self, aws: Aws, outputs: dict[str, str]):
        self._aws = aws
        self._outputs = outputs
        self._sns, self._events, self._sqs = (aws.client(service) for service in ("sns", "events", "sqs"))

    def over_sns(self, messages: list[Message]) -> None:
        def publish(batch: list[Message]) -> list[Message]:
            return self._publish("OutsideTopicArn", batch, [_sns_entry(*numbered) for numbered in enumerate(batch)])

        _send_all(messages, publish, "SNS")

    def over_fifo(self, messages: list[Message]) -> None:
        def publish(batch: list[Message]) -> list[Message]:
            entries = [
                {
                    **_sns_entry(number, message),
                    "MessageGroupId": f"{message.aggregate_type}#{message.aggregate_id}",
                    "MessageDeduplicationId": message.event_id,
                }
                for number, message in enumerate(batch)
            ]
            return self._publish("OutsideFifoTopicArn", batch, entries)

        _send_all(messages, publish, "SNS FIFO")

    def _publish(self, topic_output: str, batch: list[Message], entries: list[dict]) -> list[Message]:
        answer = self._sns.publish_batch(TopicArn=self._outputs[topic_output], PublishBatchRequestEntries=entries)
        return [batch[int(failed["Id"])] for failed in answer["Failed"]]

    def over_eventbridge(self, messages: list[Message]) -> None:
        def put(batch: list[Message]) -> list[Message]:
            entries = [
                {
                    "EventBusName": self._outputs["EventBusName"],
                    "Source": self._outputs["OutsideEventSource"],
                    "DetailType": message.event_type,
                    "Detail": message.body,
                }
                for message in batch
            ]
            answers = self._events.put_events(Entries=entries)["Entries"]
            return [message for message, answer in zip(batch, answers, strict=True) if "ErrorCode" in answer]

        _send_all(messages, put, "EventBridge")

    def straight_to_queue(self, bodies: list[str]) -> None:
        def send(batch: list[str]) -> list[str]:
            entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(batch)]
            answer = self._sqs.send_message_batch(QueueUrl=self._outputs["ConsumerQueueUrl"], Entries=entries)
            return [batch[int(failed["Id"])] for failed in answer.get("Failed", [])]

        _send_all(bodies, send, "SQS")

    def over_api(self, events: list[dict]) -> None:
        url = f"{self._outputs['ApiUrl']}/events"
        body = json.dumps(events).encode()
        headers = self._aws.signed_headers("execute-api", "POST", url, body, {"Content-Type": "application/json"})
        request = urllib.request.Request(url, body, headers, method="POST")
        try:
            urllib.request.urlopen(request, timeout=API_TIMEOUT_S).close()
        except urllib.error.HTTPError as error:
            answer = error.read().decode(errors="replace")[:500]
            raise Problem(
                f"POST {url} answered {error.code}: {answer}", "See what the publisher logged: make logs"
            ) from error
        except urllib.error.URLError as error:
            raise Problem(f"POST {url} reaches nobody: {error.reason}", "Is the stack deployed? make status") from error


def _sns_entry(number: int, message: Message) -> dict:
    return {
        "Id": str(number),
        "Message": message.body,
        "MessageAttributes": {
            "EventType": {"DataType": "String", "StringValue": message.event_type},
            "AggregateType": {"DataType": "String", "StringValue": message.aggregate_type},
        },
    }


def _send_all(messages: list, send: Callable[[list], list], destination: str) -> None:
    """Sends batches side by side; what a batch call could not deliver is sent again."""
    with ThreadPoolExecutor(SENDERS) as senders:
        for _ in range(SEND_ATTEMPTS):
            failed = [message for batch in senders.map(send, _batches(messages)) for message in batch]
            if not failed:
                return
            messages = failed
    raise Problem(f"{destination} refused {len(messages)} messages {SEND_ATTEMPTS} times")


def _batches(messages: Iterable) -> Iterator[list]:
    messages = list(messages)
    for start in range(0, len(messages), BATCH_ENTRIES_MAX):
        yield messages[start : start + BATCH_ENTRIES_MAX]
