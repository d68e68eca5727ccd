//! One domain event in the wire format, about 600 bytes long.

use serde_json::{Value, json};
use uuid::Uuid;

const TIMESTAMP: &str = "2026-11-22T07:00:00.000Z";
const TOPIC_ARN: &str = "arn:aws:sns:us-east-1:000000000000:events";

/// An order of three items, never seen before.
#[derive(Debug)]
pub(crate) struct OrderCreated {
    order_id: String,
    wire: String,
}

impl OrderCreated {
    pub(crate) fn new() -> Self {
        let event_id = Uuid::now_v7().to_string();
        let order_id = format!("ord_{}", Uuid::now_v7().simple());
        let wire = wire_format(&event_id, &order_id).to_string();
        Self { order_id, wire }
    }

    /// The key of the one row this event must write, as pk and sk.
    pub(crate) fn view_key(&self) -> String {
        format!("order#{}|summary", self.order_id)
    }

    /// The event as SNS delivers it to a queue.
    pub(crate) fn sns_notification(&self) -> Value {
        json!({
            "Type": "Notification",
            "MessageId": Uuid::new_v4(),
            "TopicArn": TOPIC_ARN,
            "Message": self.wire,
            "Timestamp": TIMESTAMP,
            "SignatureVersion": "1",
            "Signature": "bm90IGEgcmVhbCBzaWduYXR1cmUsIG9ubHkgYXMgbG9uZyBhcyBvbmUgbWlnaHQgYmU=",
            "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService.pem",
            "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
            "MessageAttributes": {
                "EventType": { "Type": "String", "Value": "OrderCreated" },
                "AggregateType": { "Type": "String", "Value": "Order" },
            },
        })
    }
}

fn wire_format(event_id: &str, order_id: &str) -> Value {
    json!({
        "eventId": event_id,
        "eventType": "OrderCreated",
        "aggregateId": order_id,
        "aggregateType": "Order",
        "timestamp": TIMESTAMP,
        "payload": {
            "customerId": "cus_0192f0c15d3e7a10",
            "items": [
                { "sku": "SKU-TEAPOT-0001", "quantity": 1, "unitPriceMinor": 4_900 },
                { "sku": "SKU-TEACUP-0002", "quantity": 4, "unitPriceMinor": 1_250 },
                { "sku": "SKU-SAUCER-0003", "quantity": 4, "unitPriceMinor": 800 },
            ],
            "total": { "minorUnits": 13_100, "currency": "EUR" },
        },
        "metadata": {
            "correlationId": Uuid::now_v7(),
            "causationId": Uuid::now_v7(),
            "sequence": 1,
            "schemaVersion": 1,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_about_six_hundred_bytes() {
        assert!((560..=660).contains(&OrderCreated::new().wire.len()));
    }
}
