//! Events to an SNS topic; text and push messages to people.

mod direct;

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_sns::Client;
use aws_sdk_sns::error::BuildError;
use aws_sdk_sns::operation::publish_batch::PublishBatchOutput;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use onecommit_aws_session::{RequestFailure, Session};
use onecommit_publish::{Blame, Destination, DestinationError, EntryError, Limits, Outgoing};

pub use direct::SnsDirect;

/// The longest FIFO message group id, in characters.
const GROUP_CHARACTERS_MAX: usize = 128;

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
                .message_group_id(group_id(&outgoing.event.aggregate().to_string()))
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
            blame: Blame::Event,
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
        ("traceparent", event.metadata().traceparent.as_deref()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
}

/// SNS takes letters, digits and ASCII punctuation, 128 of them. What does not fit is hashed: one aggregate is still
/// one group.
fn group_id(aggregate: &str) -> String {
    if aggregate.len() <= GROUP_CHARACTERS_MAX && aggregate.bytes().all(|byte| byte.is_ascii_graphic()) {
        aggregate.to_owned()
    } else {
        use sha2::Digest as _;
        sha2::Sha256::digest(aggregate)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

fn by_place(count: usize, answer: &PublishBatchOutput) -> Vec<Result<String, EntryError>> {
    let silent = EntryError {
        blame: Blame::Passing,
        message: "SNS said nothing about it".to_owned(),
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
            let message = format!("{}: {}", failed.code(), failed.message().unwrap_or("no message"));
            let blame = match blame_by(failed.code()) {
                Blame::Passing if failed.sender_fault() => Blame::Event,
                blame => blame,
            };
            results[place] = Err(EntryError { blame, message });
        }
    }
    results
}

fn of_request(failure: RequestFailure) -> DestinationError {
    let blame = match &failure.code {
        // What is wrong with the ARN is wrong for every event.
        Some(_) if failure.description.contains("TopicArn") => Blame::Destination,
        Some(code) => blame_by(code),
        None if failure.never_sent => Blame::Event,
        None => Blame::Passing,
    };
    DestinationError {
        blame,
        message: failure.description,
    }
}

/// <https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html#API_PublishBatch_Errors>
fn blame_by(code: &str) -> Blame {
    let is_one_of = |codes: &[&str]| codes.iter().any(|known| code.starts_with(known));
    if is_one_of(&[
        "InvalidParameter",
        "ParameterValueInvalid",
        "ValidationException",
        "BatchRequestTooLong",
    ]) {
        Blame::Event
    } else if is_one_of(&[
        "AuthorizationError",
        "InvalidSecurity",
        "NotFound",
        "KMSAccessDenied",
        "KMSDisabled",
        "KMSInvalidState",
        "KMSNotFound",
        "KMSOptInRequired",
    ]) {
        Blame::Destination
    } else {
        Blame::Passing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aggregate_is_its_own_group_and_a_hash_where_sns_would_refuse_it() {
        assert_eq!(group_id("Order#ord_01"), "Order#ord_01");
        let odd = group_id("Order#ord 01");
        assert!(odd.len() == 64 && odd == group_id("Order#ord 01"));
        assert_eq!(group_id(&"x".repeat(129)).len(), 64);
    }
}
