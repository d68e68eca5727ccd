"""Tells a topic that an order was created: send.py TOPIC_ARN ORDER_ID [EVENT_ID]. Needs nothing of ours, only boto3."""

import json
import sys
import uuid
from datetime import datetime, timezone

import boto3

topic, order_id, *event_id = sys.argv[1:]
event = {
    "eventId": event_id[0] if event_id else str(uuid.uuid4()),
    "eventType": "OrderCreated",
    "aggregateId": order_id,
    "aggregateType": "Order",
    "timestamp": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
    "payload": {"customerId": "cus_7", "items": [{"sku": "TEAPOT-RED", "quantity": 2}]},
    "metadata": {"correlationId": order_id, "causationId": order_id},
}
attributes = {"EventType": {"DataType": "String", "StringValue": event["eventType"]}}
boto3.client("sns").publish(TopicArn=topic, Message=json.dumps(event), MessageAttributes=attributes)
print(event["eventId"])
