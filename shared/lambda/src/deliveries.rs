use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage, SqsMessageAttribute};
use onecommit_commit::{Attribute, Delivery};

/// The messages of an invocation.
#[must_use]
pub fn deliveries_of(event: SqsEvent) -> Vec<Delivery> {
    event.records.into_iter().map(delivery).collect()
}

fn delivery(mut message: SqsMessage) -> Delivery {
    let receive_count = message
        .attributes
        .get("ApproximateReceiveCount")
        .and_then(|count| count.parse().ok());
    Delivery {
        message_id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        attributes: message.message_attributes.into_iter().filter_map(attribute).collect(),
        group: message.attributes.remove("MessageGroupId"),
        receive_count: receive_count.unwrap_or(1),
    }
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
