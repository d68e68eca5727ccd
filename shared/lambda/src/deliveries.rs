use std::collections::HashMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use lambda_runtime::Error;
use onecommit_engine::{Attribute, Delivery};
use onecommit_environment::Timestamp;
use onecommit_json::{JsonError, Object};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The messages of an invocation by an SQS queue, each read by itself: what is odd about one is not its neighbours' trouble.
///
/// # Errors
/// When the invocation is not a batch of SQS messages, by name. It fails then, since to handle what has no message in it
/// would be to delete it.
pub fn deliveries_of(invocation: &str) -> Result<Vec<Delivery>, Error> {
    let invocation = Object::of_text(invocation).map_err(not_a_batch)?;
    let records = invocation
        .get("Records")
        .ok_or_else(|| not_a_batch(JsonError::missing().inside("Records")))?;
    let records: Vec<&RawValue> =
        onecommit_json::from_raw(records).map_err(|error| not_a_batch(error.inside("Records")))?;
    records.into_iter().map(delivery).collect()
}

fn not_a_batch(error: JsonError) -> Error {
    format!("the input is not a batch of SQS messages: {error}").into()
}

fn delivery(record: &RawValue) -> Result<Delivery, Error> {
    let record = Object::from_raw(record).map_err(|error| not_a_batch(error.inside("Records")))?;
    // SNS writes it with a capital letter.
    let source = text(&record, "eventSource").or_else(|| text(&record, "EventSource"));
    if let Some(source) = source.filter(|source| source != "aws:sqs") {
        let source: String = source
            .chars()
            .filter(|character| !character.is_control())
            .take(64)
            .collect();
        return Err(format!(
            "the input is a batch of {source}; this function handles batches of SQS messages (aws:sqs)"
        )
        .into());
    }
    let required = |name| text(&record, name).ok_or_else(|| not_a_batch(JsonError::missing().inside(name)));
    let body = record
        .get("body")
        .ok_or_else(|| not_a_batch(JsonError::missing().inside("body")))?;
    let mut attributes: HashMap<String, String> = values(&record, "attributes").collect();
    let number = |name: &str| attributes.get(name).and_then(|number| number.parse::<i64>().ok());
    let receive_count = number("ApproximateReceiveCount").and_then(|count| u32::try_from(count).ok());
    let (sent_at, first_received_at) = (number("SentTimestamp"), number("ApproximateFirstReceiveTimestamp"));
    let is_fifo = is_fifo(&record, &attributes);
    let group = attributes.remove("MessageGroupId");
    let (group, tenant) = if is_fifo { (group, None) } else { (None, group) };
    Ok(Delivery {
        message_id: required("messageId")?,
        receipt: required("receiptHandle")?,
        // A text that is not Unicode is not lost either: it is parked as it was written.
        body: onecommit_json::from_raw(body).unwrap_or_else(|_| body.get().to_owned()),
        attributes: values(&record, "messageAttributes")
            .filter_map(|(name, value)| Some((name, attribute(value)?)))
            .collect(),
        group,
        tenant,
        trace_header: attributes.remove("AWSTraceHeader"),
        receive_count: receive_count.unwrap_or(1),
        sent_at: sent_at.map(Timestamp::from_unix_ms),
        first_received_at: first_received_at.map(Timestamp::from_unix_ms),
    })
}

/// The same attribute is an order on a FIFO queue, and a tenant's share on any other.
fn is_fifo(record: &Object<'_>, attributes: &HashMap<String, String>) -> bool {
    let queue = text(record, "eventSourceARN").unwrap_or_default();
    queue.ends_with(".fifo") || attributes.contains_key("SequenceNumber")
}

fn text(object: &Object<'_>, name: &str) -> Option<String> {
    onecommit_json::from_raw(object.get(name)?).ok()
}

/// The members of a member that can be read; those that cannot are nothing that a message is handled by.
fn values<'a, T: Deserialize<'a>>(record: &Object<'a>, name: &str) -> impl Iterator<Item = (String, T)> {
    let members = record.get(name).and_then(|value| Object::from_raw(value).ok());
    let members = members.map(Object::into_members).unwrap_or_default();
    members
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_owned(), onecommit_json::from_raw(value).ok()?)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageAttribute {
    data_type: Option<String>,
    string_value: Option<String>,
    binary_value: Option<String>,
}

fn attribute(attribute: MessageAttribute) -> Option<Attribute> {
    let data_type = attribute.data_type.unwrap_or_else(|| "String".to_owned());
    match (attribute.string_value, attribute.binary_value) {
        (Some(value), _) => Some(Attribute::Text { data_type, value }),
        (None, Some(value)) => Some(Attribute::Binary {
            data_type,
            value: bytes(value),
        }),
        (None, None) => None,
    }
}

/// Base64 as anybody writes it: with or without padding and line ends, in the alphabet for addresses too.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes of a binary attribute. They only go along when the message is parked, so what is not Base64 at all goes along
/// as it was written.
fn bytes(value: String) -> Vec<u8> {
    let standard = value.chars().filter(|character| !character.is_whitespace());
    let standard: String = standard
        .map(|character| match character {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    BASE64.decode(standard).unwrap_or_else(|_| value.into_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record(id: &str) -> Value {
        json!({
            "messageId": id, "receiptHandle": format!("r-{id}"), "body": "{}", "eventSource": "aws:sqs",
            "attributes": {"ApproximateReceiveCount": "3", "MessageGroupId": "g", "SentTimestamp": "1"},
            "messageAttributes": {
                "a": {"dataType": "String", "stringValue": "x", "stringListValues": [], "binaryListValues": []},
                "b": {"dataType": "Binary", "binaryValue": "/+8=", "stringListValues": []},
            },
            "md5OfBody": "m", "eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:q", "awsRegion": "eu-west-1",
        })
    }

    fn read(records: Value) -> Result<Vec<Delivery>, String> {
        deliveries_of(&json!({ "Records": records }).to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_record_becomes_a_delivery_with_everything_in_it() {
        let deliveries = read(json!([record("m-1")])).unwrap();
        let [delivery] = &deliveries[..] else {
            panic!("{deliveries:?}")
        };
        assert_eq!(
            (&*delivery.message_id, &*delivery.receipt, &*delivery.body),
            ("m-1", "r-m-1", "{}")
        );
        assert_eq!((delivery.receive_count, delivery.tenant.as_deref()), (3, Some("g")));
        let binary = Attribute::Binary {
            data_type: "Binary".to_owned(),
            value: vec![0xff, 0xef],
        };
        assert_eq!(delivery.attributes[1], ("b".to_owned(), binary));
    }

    #[test]
    fn an_oddly_spelled_binary_attribute_fails_nobody() {
        for (spelled, bytes) in [
            ("_-8", &[0xff, 0xef][..]),
            ("/+\n8=", &[0xff, 0xef]),
            ("/+9", &[0xff, 0xef]),
            ("%%%", b"%%%"),
        ] {
            let mut odd = record("m-1");
            odd["messageAttributes"]["b"]["binaryValue"] = json!(spelled);
            let deliveries = read(json!([odd, record("m-2")])).unwrap();
            assert_eq!(deliveries.len(), 2);
            let Attribute::Binary { value, .. } = &deliveries[0].attributes[1].1 else {
                panic!("{:?}", deliveries[0])
            };
            assert_eq!(value, bytes, "{spelled}");
        }
    }

    #[test]
    fn odd_attributes_fail_nobody() {
        for (name, value) in [
            ("messageAttributes", Value::Null),
            ("messageAttributes", json!([])),
            ("messageAttributes", json!({"a": 7, "b": {"dataType": ["x"]}})),
            ("attributes", Value::Null),
            ("attributes", json!({"ApproximateReceiveCount": 2})),
        ] {
            let mut odd = record("m-1");
            odd[name] = value;
            assert_eq!(read(json!([odd])).unwrap().len(), 1);
        }
    }

    #[test]
    fn a_batch_of_another_service_fails_the_invocation_by_name() {
        let others = [
            json!({"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": {"Message": "{}", "MessageId": "1"}}),
            json!({"eventSource": "aws:kinesis", "kinesis": {"data": "e30="}}),
            json!({"eventSource": "aws:s3", "s3": {}}),
            json!({"eventSource": "aws:dynamodb", "dynamodb": {}}),
        ];
        for (other, name) in others
            .into_iter()
            .zip(["aws:sns", "aws:kinesis", "aws:s3", "aws:dynamodb"])
        {
            let error = read(json!([other])).unwrap_err();
            assert!(error.contains(name) && error.contains("aws:sqs"), "{error}");
        }
    }

    #[test]
    fn what_is_not_a_batch_of_messages_fails_the_invocation() {
        for (invocation, name) in [
            (json!({}), "Records"),
            (json!([]), "object"),
            (json!({"Records": {}}), "Records"),
            (json!({"Records": null}), "Records"),
            (json!({"Records": [[]]}), "Records"),
            (json!({"Records": [{}]}), "body"),
            (json!({"Records": [{"messageId": "m", "receiptHandle": "r"}]}), "body"),
            (json!({"Records": [{"body": "{}", "receiptHandle": "r"}]}), "messageId"),
        ] {
            let error = deliveries_of(&invocation.to_string()).unwrap_err().to_string();
            assert!(error.contains(name), "{invocation}: {error}");
        }
    }

    #[test]
    fn a_body_that_is_not_unicode_goes_on_as_it_was_written() {
        let invocation = json!({ "Records": [record("m-1")] }).to_string();
        let odd = invocation.replace(r#""body":"{}""#, r#""body":"\ud800""#);
        assert_eq!(deliveries_of(&odd).unwrap()[0].body, r#""\ud800""#);
    }

    fn delivered(queue: &str, attributes: Value) -> Delivery {
        let mut record = record("m-1");
        record["eventSourceARN"] = json!(format!("arn:aws:sqs:eu-west-1:000000000000:{queue}"));
        record["attributes"] = attributes;
        read(json!([record])).unwrap().remove(0)
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
