// Tells a topic that an order was created: node send.js TOPIC_ARN ORDER_ID [EVENT_ID]. Needs nothing of ours, only AWS's SDK.

import { randomUUID } from "node:crypto";

import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";

const [topic, orderId, eventId = randomUUID()] = process.argv.slice(2);
const event = {
  eventId,
  eventType: "OrderCreated",
  aggregateId: orderId,
  aggregateType: "Order",
  timestamp: new Date().toISOString(),
  payload: { customerId: "cus_7", items: [{ sku: "TEAPOT-RED", quantity: 2 }] },
  metadata: { correlationId: orderId, causationId: orderId },
};
const attributes = { EventType: { DataType: "String", StringValue: event.eventType } };
await new SNSClient().send(
  new PublishCommand({ TopicArn: topic, Message: JSON.stringify(event), MessageAttributes: attributes }),
);
console.log(event.eventId);
