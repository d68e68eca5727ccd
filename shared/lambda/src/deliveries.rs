use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage, SqsMessageAttribute};
use onecommit_commit::{Attribute, Delivery};
use onecommit_environment::Timestamp;

/// The messages of an invocation.
#[must_use]
pub fn deliveries_of(event: SqsEvent) -> Vec<Delivery> {
    event.records.into_iter().map(delivery).collect()
}

fn delivery(mut message: SqsMessage) -> Delivery {
    let group = message.attributes.remove("MessageGroupId");
    let (group, tenant) = if is_fifo(&message) {
        (group, None)
    } else {
        (None, group)
    };
    let number = |name: &str| {
        message
            .attributes
            .get(name)
            .and_then(|number| number.parse::<i64>().ok())
    };
    let receive_count = number("ApproximateReceiveCount").and_then(|count| u32::try_from(count).ok());
    let (sent_at, first_received_at) = (number("SentTimestamp"), number("ApproximateFirstReceiveTimestamp"));
    Delivery {
        trace_header: message.attributes.remove("AWSTraceHeader"),
        message_id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        attributes: message.message_attributes.into_iter().filter_map(attribute).collect(),
        group,
        tenant,
        receive_count: receive_count.unwrap_or(1),
        sent_at: sent_at.map(Timestamp::from_unix_ms),
        first_received_at: first_received_at.map(Timestamp::from_unix_ms),
    }
}

/// The same attribute is an order on a FIFO queue, and a tenant's share on any other.
fn is_fifo(message: &SqsMessage) -> bool {
    let queue = message.event_source_arn.as_deref().unwrap_or_default();
    queue.ends_with(".fifo") || message.attributes.contains_key("SequenceNumber")
}

fn attribute((name, attribute): (String, SqsMessageAttribute)) -> Option<(String, Attribute)> {
    let data_type = attribute.data_type.unwrap_or_else(|| "String".to_owned());
    let value = match (attribute.string_value, attribute.binary_value) {
        (Some(value), _) => Attribute::Text { data_type, value },
        (None, Some(value)) => Attribute::Binary {
            data_type,
            value: value.0,
        },
        (None, None) => return None,
    };
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn delivered(queue: &str, attributes: serde_json::Value) -> Delivery {
        let event = json!({"Records": [{
            "messageId": "m-1", "receiptHandle": "r-1", "body": "{}", "attributes": attributes,
            "messageAttributes": {}, "eventSource": "aws:sqs", "eventSourceARN": format!("arn:aws:sqs:eu-west-1:0:{queue}"),
        }]});
        deliveries_of(serde_json::from_value(event).unwrap()).remove(0)
    }

    #[test]
    fn the_group_of_a_fifo_queue_is_an_order() {
        for (queue, attributes) in [
            ("q.fifo", json!({"MessageGroupId": "g"})),
            (
                "q",
                json!({"MessageGroupId": "g", "SequenceNumber": "18849496460467696128"}),
            ),
        ] {
            let delivery = delivered(queue, attributes);
            assert_eq!((delivery.group.as_deref(), delivery.tenant), (Some("g"), None));
        }
    }

    #[test]
    fn the_group_of_a_standard_queue_is_a_tenant() {
        let delivery = delivered("q", json!({"MessageGroupId": "t"}));
        assert_eq!((delivery.group, delivery.tenant.as_deref()), (None, Some("t")));
    }

    #[test]
    fn what_the_queue_says_of_a_message_is_read() {
        let attributes = json!({
            "ApproximateReceiveCount": "7", "SentTimestamp": "1800000000000",
            "ApproximateFirstReceiveTimestamp": "1800000001000", "AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793",
        });
        let delivery = delivered("q", attributes);
        assert_eq!(delivery.receive_count, 7);
        assert_eq!(delivery.sent_at, Some(Timestamp::from_unix_ms(1_800_000_000_000)));
        assert_eq!(
            delivery.first_received_at,
            Some(Timestamp::from_unix_ms(1_800_000_001_000))
        );
        assert!(delivery.trace_header.unwrap().starts_with("Root="));
    }
}
