//! The attributes of a parked message: its own, and why it was parked.

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::MessageAttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use onecommit_engine::{Attribute, PARKED_REASON, ParkedMessage};
use onecommit_event::{is_transportable, transportable};

use crate::session::{is_attribute, is_attribute_name};

/// The most attributes of an SQS message.
const ATTRIBUTES_MAX: usize = 10;
/// The longest error text to park with a message, in bytes.
const ERROR_BYTES_MAX: usize = 1024;

const OWN: [&str; 3] = [PARKED_REASON, "ParkedError", "ParkedDetail"];

/// A name, a type and a value.
pub(crate) type Named = (String, Attribute);

/// What became of a parked message's body.
pub(crate) struct BodyNote {
    /// For example `cut`.
    pub(crate) form: &'static str,
    /// Of the body as it was.
    pub(crate) bytes: usize,
    /// Of the body as it was, in hexadecimal digits.
    pub(crate) sha256: String,
}

/// The attributes to park a message with. An earlier parking's are replaced: a message that was redriven and failed
/// again tells its newest reason. Originals that leave no room, or that SQS would refuse, travel as JSON in one attribute.
pub(crate) fn of(message: &ParkedMessage<'_>, note: Option<&BodyNote>) -> Vec<Named> {
    let mut attributes = own_of(message, note);
    let is_own = |name: &str| OWN.contains(&name);
    let originals: Vec<&Named> = message
        .delivery
        .attributes
        .iter()
        .filter(|(name, _)| !is_own(name))
        .collect();
    let fit =
        originals.len() + attributes.len() <= ATTRIBUTES_MAX && originals.iter().all(|original| is_taken(original));
    if fit {
        attributes.extend(originals.into_iter().cloned());
    } else {
        attributes.push(text("OriginalAttributes", as_json(&originals)));
    }
    attributes
}

/// Why the message was parked, and nothing of its own.
pub(crate) fn own_of(message: &ParkedMessage<'_>, note: Option<&BodyNote>) -> Vec<Named> {
    let mut detail = serde_json::json!({
        "consumer": message.consumer,
        "sourceMessageId": message.delivery.message_id,
        "receiveCount": message.delivery.receive_count,
        "parkedAt": message.parked_at,
        "group": message.delivery.group,
        "tenant": message.delivery.tenant,
        "sentAt": message.delivery.sent_at.map(|sent| sent.to_string()),
    });
    if let Some(note) = note {
        detail["body"] = serde_json::json!({"form": note.form, "bytes": note.bytes, "sha256": note.sha256});
    }
    let own = [
        message.reason.as_str().to_owned(),
        cut(message.error),
        transportable(&detail.to_string()).into_owned(),
    ];
    OWN.iter().zip(own).map(|(name, value)| text(name, value)).collect()
}

/// The reason in one word: as little as a parked message can say.
pub(crate) fn reason_of(message: &ParkedMessage<'_>) -> Vec<Named> {
    vec![text(PARKED_REASON, message.reason.as_str().to_owned())]
}

fn is_taken((name, attribute): &Named) -> bool {
    match attribute {
        Attribute::Text { value, .. } => is_attribute(name, value),
        Attribute::Binary { value, .. } => is_attribute_name(name) && !value.is_empty(),
    }
}

/// How many bytes SQS counts for an attribute: name, type and value.
pub(crate) fn bytes((name, attribute): &Named) -> usize {
    name.len()
        + match attribute {
            Attribute::Text { data_type, value } => data_type.len() + value.len(),
            Attribute::Binary { data_type, value } => data_type.len() + value.len(),
        }
}

pub(crate) fn to_sqs(attribute: &Attribute) -> Result<MessageAttributeValue, aws_sdk_sqs::error::BuildError> {
    let builder = MessageAttributeValue::builder();
    match attribute {
        Attribute::Text { data_type, value } => builder.data_type(data_type).string_value(value).build(),
        Attribute::Binary { data_type, value } => builder
            .data_type(data_type)
            .binary_value(Blob::new(value.clone()))
            .build(),
    }
}

fn text(name: &str, value: String) -> Named {
    (
        name.to_owned(),
        Attribute::Text {
            data_type: "String".to_owned(),
            value,
        },
    )
}

fn as_json(attributes: &[&Named]) -> String {
    let entry = |(name, attribute): &&Named| {
        let (data_type, value) = match attribute {
            Attribute::Text { data_type, value } => (data_type, value.clone()),
            Attribute::Binary { data_type, value } => (data_type, STANDARD.encode(value)),
        };
        (name.clone(), serde_json::json!({"dataType": data_type, "value": value}))
    };
    let json = serde_json::Value::Object(attributes.iter().map(entry).collect()).to_string();
    transportable(&json).into_owned()
}

/// SQS takes no control characters but tab and line ends, and an attribute may not be empty.
fn cut(error: &str) -> String {
    let mut text: String = error
        .chars()
        .map(|character| {
            if character.is_control() || !is_transportable(character) {
                ' '
            } else {
                character
            }
        })
        .collect();
    if text.is_empty() {
        "no message".clone_into(&mut text);
    }
    let mut end = text.len().min(ERROR_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use onecommit_engine::{Delivery, ParkReason};

    use super::*;

    fn parked(attributes: Vec<Named>) -> Vec<Named> {
        let delivery = Delivery {
            message_id: "m-1".into(),
            attributes,
            receive_count: 2,
            ..Delivery::default()
        };
        let message = ParkedMessage {
            delivery: &delivery,
            reason: ParkReason::MalformedBody,
            error: "bad\u{0}\n",
            consumer: "view",
            parked_at: "2026-11-22T07:00:00.000Z".into(),
        };
        of(&message, None)
    }

    fn value<'a>(attributes: &'a [Named], name: &str) -> &'a str {
        let (_, attribute) = attributes.iter().find(|(found, _)| found == name).unwrap();
        match attribute {
            Attribute::Text { value, .. } => value,
            Attribute::Binary { .. } => panic!("{name} is binary"),
        }
    }

    #[test]
    fn the_reason_stands_beside_the_original_attributes_even_those_that_are_no_utf_8() {
        let binary = Attribute::Binary {
            data_type: "Binary.raw".into(),
            value: vec![0xFF, 0xFE],
        };
        let attributes = parked(vec![
            text("EventType", "ParcelShipped".into()),
            ("Raw".into(), binary.clone()),
        ]);
        assert_eq!(value(&attributes, "ParkedReason"), "MalformedBody");
        assert_eq!(value(&attributes, "ParkedError"), "bad  ");
        assert!(value(&attributes, "ParkedDetail").contains("\"receiveCount\":2"));
        assert_eq!(value(&attributes, "EventType"), "ParcelShipped");
        assert!(attributes.contains(&("Raw".to_owned(), binary)));
    }

    #[test]
    fn ten_original_attributes_all_survive() {
        let attributes = parked((0..10).map(|number| text(&format!("A{number}"), "x".into())).collect());
        assert!(attributes.len() <= 10);
        let originals: serde_json::Value = serde_json::from_str(value(&attributes, "OriginalAttributes")).unwrap();
        assert_eq!(originals.as_object().unwrap().len(), 10);
    }

    #[test]
    fn attributes_that_sqs_refuses_travel_as_json() {
        for odd in [
            text("Empty", String::new()),
            text("Odd", "\u{FFFE}".into()),
            text("a b", "x".into()),
        ] {
            let attributes = parked(vec![odd.clone(), text("EventType", "ParcelShipped".into())]);
            assert!(attributes.iter().all(is_taken), "{attributes:?}");
            let originals: serde_json::Value = serde_json::from_str(value(&attributes, "OriginalAttributes")).unwrap();
            assert_eq!(originals[&odd.0]["dataType"], "String");
            assert_eq!(originals["EventType"]["value"], "ParcelShipped");
        }
    }

    #[test]
    fn a_message_parked_again_has_one_reason_the_newest() {
        let attributes = parked(vec![text(PARKED_REASON, "HandlerFailed".into())]);
        assert_eq!(attributes.iter().filter(|(name, _)| name == "ParkedReason").count(), 1);
        assert_eq!(value(&attributes, "ParkedReason"), "MalformedBody");
    }

    #[test]
    fn a_long_error_is_cut_between_characters() {
        let cut = cut(&"é".repeat(1000));
        assert!(cut.len() <= ERROR_BYTES_MAX && cut.chars().all(|character| character == 'é'));
    }
}
