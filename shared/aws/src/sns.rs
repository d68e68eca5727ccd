//! Events to an SNS topic.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_sns::Client;
use aws_sdk_sns::error::BuildError;
use aws_sdk_sns::operation::publish_batch::PublishBatchOutput;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use onecommit_publish::{Destination, DestinationError, EntryError, FailureKind, Limits, Outgoing};

use crate::session::{RequestFailure, Session, denies, describe_answer, fifo_id, is_attribute};

/// A topic, standard or FIFO.
#[derive(Clone, Debug)]
pub struct SnsTopic {
    client: Client,
    topic_arn: String,
    message_bytes_max: usize,
}

/// The most bytes of a message, unless the topic allows more.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;

impl SnsTopic {
    /// A topic by its ARN. Nothing is sent before the first request.
    #[must_use]
    pub fn new(session: &Session, topic_arn: String) -> Self {
        Self {
            client: Client::new(&session.sdk_config()),
            topic_arn,
            message_bytes_max: MESSAGE_BYTES_MAX,
        }
    }

    /// The topic takes messages up to so many bytes, as its `MaximumMessageSize` says; 1 MiB at most.
    #[must_use]
    pub fn taking(mut self, message_bytes_max: usize) -> Self {
        self.message_bytes_max = message_bytes_max;
        self
    }

    fn is_fifo(&self) -> bool {
        self.topic_arn.ends_with(".fifo")
    }

    fn entry(&self, place: usize, outgoing: &Outgoing) -> Result<PublishBatchRequestEntry, BuildError> {
        let mut attributes = HashMap::with_capacity(3);
        for (name, value) in attributes_of(outgoing) {
            let attribute = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value)
                .build()?;
            attributes.insert(name.to_owned(), attribute);
        }
        let mut entry = PublishBatchRequestEntry::builder()
            .id(place.to_string())
            .message(&outgoing.json)
            .set_message_attributes(Some(attributes));
        if self.is_fifo() {
            entry = entry
                .message_group_id(fifo_id(&outgoing.event.aggregate().to_string()))
                .message_deduplication_id(outgoing.event.id().to_string());
        }
        entry.build()
    }
}

#[async_trait]
impl Destination for SnsTopic {
    fn name(&self) -> &'static str {
        if self.is_fifo() { "sns-fifo" } else { "sns" }
    }

    /// Of the entries of one request SNS may take a later one and not an earlier one; it then comes after it. The
    /// events' `sequence` tells.
    fn keeps_order(&self) -> bool {
        self.is_fifo()
    }

    /// <https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html>
    fn limits(&self) -> Limits {
        Limits {
            entries_max: 10,
            entry_bytes_max: self.message_bytes_max,
            batch_bytes_max: self.message_bytes_max,
        }
    }

    fn bytes(&self, outgoing: &Outgoing) -> usize {
        let attributes = attributes_of(outgoing).map(|(name, value)| name.len() + "String".len() + value.len());
        outgoing.json.len() + attributes.sum::<usize>()
    }

    async fn send(&self, batch: &[&Outgoing]) -> Result<Vec<Result<String, EntryError>>, DestinationError> {
        let entries: Result<Vec<_>, _> = batch
            .iter()
            .enumerate()
            .map(|(place, outgoing)| self.entry(place, outgoing))
            .collect();
        let entries = entries.map_err(|error| DestinationError {
            blame: FailureKind::Event,
            message: error.to_string(),
        })?;
        let request = self.client.publish_batch().topic_arn(&self.topic_arn);
        let answer = request
            .set_publish_batch_request_entries(Some(entries))
            .send()
            .await
            .map_err(|error| of_request(error.into()))?;
        Ok(by_place(batch.len(), &answer))
    }
}

fn attributes_of(outgoing: &Outgoing) -> impl Iterator<Item = (&'static str, &str)> {
    let event = &outgoing.event;
    [
        ("EventType", Some(event.event_type())),
        ("AggregateType", Some(event.aggregate().kind())),
        (
            "traceparent",
            event
                .metadata()
                .traceparent
                .as_deref()
                .filter(|text| is_trace_context(text)),
        ),
    ]
    .into_iter()
    // One that SNS refuses would cost the event. The event itself says the same.
    .filter_map(|(name, value)| Some((name, value.filter(|value| is_attribute(name, value))?)))
}

/// A trace context as W3C has it (<https://www.w3.org/TR/trace-context/#traceparent-header>): version, trace, parent and flags
/// in hexadecimal digits. Who reads the attribute trusts that it is one.
fn is_trace_context(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_some = |part: &str| part.bytes().any(|byte| byte != b'0');
    match parts[..] {
        [version, trace, parent, flags] => {
            is_hex(version, 2)
                && version != "ff"
                && is_hex(trace, 32)
                && is_some(trace)
                && is_hex(parent, 16)
                && is_some(parent)
                && is_hex(flags, 2)
        }
        _ => false,
    }
}

fn by_place(count: usize, answer: &PublishBatchOutput) -> Vec<Result<String, EntryError>> {
    let silent = EntryError {
        blame: FailureKind::Passing,
        message: "the answer of SNS does not mention it".to_owned(),
    };
    let mut results = vec![Err(silent); count];
    let place_of = |id: Option<&str>| {
        id.and_then(|id| id.parse::<usize>().ok())
            .filter(|place| *place < count)
    };
    for taken in answer.successful() {
        if let Some(place) = place_of(taken.id()) {
            results[place] = Ok(taken.message_id().unwrap_or_default().to_owned());
        }
    }
    for failed in answer.failed() {
        if let Some(place) = place_of(Some(failed.id())) {
            let message = describe_answer(Some(failed.code()), failed.message());
            let blame = match blame_by(failed.code()) {
                // A code that is not known here. Being asked too much is the sender's fault as well, for SNS.
                FailureKind::Passing if failed.sender_fault() && !is_throttle(failed.code()) => FailureKind::Event,
                blame => blame,
            };
            results[place] = Err(EntryError { blame, message });
        }
    }
    results
}

fn of_request(failure: RequestFailure) -> DestinationError {
    // What is wrong with the topic, or with how it is asked, is wrong for every event.
    let of_topic = ["TopicArn", "MessageGroupId", "MessageDeduplicationId"];
    let blame = match &failure.code {
        Some(_) if of_topic.iter().any(|name| failure.names(name)) => FailureKind::Destination,
        Some(code) => blame_by(code),
        None if failure.never_sent => FailureKind::Event,
        None => FailureKind::Passing,
    };
    DestinationError {
        blame,
        message: failure.description,
    }
}

/// <https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html#API_PublishBatch_Errors>
fn blame_by(code: &str) -> FailureKind {
    let is_one_of = |codes: &[&str]| codes.iter().any(|known| code.starts_with(known));
    if is_throttle(code) {
        FailureKind::Passing
    } else if is_one_of(&[
        "InvalidParameter",
        "ParameterValueInvalid",
        "ValidationError",
        "ValidationException",
        "BatchRequestTooLong",
    ]) {
        FailureKind::Event
    } else if denies(code) || is_one_of(&["NotFound", "KMS"]) {
        FailureKind::Destination
    } else {
        FailureKind::Passing
    }
}

fn is_throttle(code: &str) -> bool {
    ["Throttl", "TooManyRequests", "RequestLimit"]
        .iter()
        .any(|part| code.contains(part))
}

#[cfg(test)]
mod tests {
    use onecommit_event::Event;

    use super::*;

    #[test]
    fn error_codes_decide_who_is_to_blame() {
        for (code, blame) in [
            ("InvalidParameter", FailureKind::Event),
            ("InvalidParameterValue", FailureKind::Event),
            ("BatchRequestTooLong", FailureKind::Event),
            ("NotFound", FailureKind::Destination),
            ("NotFoundException", FailureKind::Destination),
            ("AuthorizationError", FailureKind::Destination),
            ("InvalidClientTokenId", FailureKind::Destination),
            ("ExpiredTokenException", FailureKind::Destination),
            ("KMSDisabledException", FailureKind::Destination),
            ("KMSThrottlingException", FailureKind::Passing),
            ("Throttled", FailureKind::Passing),
            ("InternalError", FailureKind::Passing),
        ] {
            assert_eq!(blame_by(code), blame, "{code}");
        }
    }

    fn attributes(event_type: &str, traceparent: &str) -> Vec<(&'static str, String)> {
        let json = serde_json::json!({
            "eventId": "0192f0c1-0000-7000-8000-000000000001", "eventType": event_type, "aggregateId": "a",
            "aggregateType": "A", "timestamp": "2026-11-22T07:00:00Z", "payload": {},
            "metadata": {"correlationId": "c", "causationId": "c"},
        });
        let event = Event::from_json(&json.to_string()).unwrap();
        let mut metadata = event.metadata().clone();
        metadata.traceparent = Some(traceparent.to_owned());
        let outgoing = Outgoing::from(event.with_metadata(metadata));
        attributes_of(&outgoing)
            .map(|(name, value)| (name, value.to_owned()))
            .collect()
    }

    #[test]
    fn attributes_that_sns_refuses_never_leave() {
        const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let names =
            |attributes: Vec<(&'static str, String)>| attributes.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(
            names(attributes("A", TRACE)),
            ["EventType", "AggregateType", "traceparent"]
        );
        for malformed in [
            "",
            "\u{0}",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            &"0".repeat(5_000),
        ] {
            assert_eq!(
                names(attributes("A", malformed)),
                ["EventType", "AggregateType"],
                "{malformed:?}"
            );
        }
    }
}
