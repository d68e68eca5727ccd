//! SQS: messages received, deleted, kept hidden, delayed, and parked in the dead-letter queue.

mod attributes;
mod forms;
mod parking;
mod source;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, SendMessageBatchRequestEntry};
use onecommit_engine::{Delivery, ParkedMessage, Queue, QueueError};
use onecommit_event::claim_check::PayloadStore;
use onecommit_event::transportable;

use crate::session::{RequestFailure, Session, describe_answer};
use crate::sqs::parking::Parking;

/// The most entries of one batch call.
const BATCH_ENTRIES_MAX: usize = 10;
/// The most bytes of a message with its attributes, and of a batch
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>).
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// The longest a message may stay invisible, from when it was received.
const VISIBILITY_MAX: Duration = Duration::from_secs(12 * 3600);

/// A queue and its dead-letter queue on SQS.
pub struct SqsQueue {
    session: Session,
    queue_url: String,
    dead_letter_queue_url: String,
    store: Option<Arc<dyn PayloadStore>>,
    client: OnceLock<Client>,
}

impl SqsQueue {
    /// A queue by the URLs of itself and of its dead-letter queue. The client is made with the first request: in a
    /// Lambda function, a batch in which all goes well never needs it.
    #[must_use]
    pub fn new(session: Session, queue_url: String, dead_letter_queue_url: String) -> Self {
        Self {
            session,
            queue_url,
            dead_letter_queue_url,
            store: None,
            client: OnceLock::new(),
        }
    }

    /// The body of a message that the dead-letter queue does not take is kept in this store, instead of being cut.
    #[must_use]
    pub fn keeping_bodies_in(mut self, store: Arc<dyn PayloadStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Sends messages to the queue, and answers for each, in their order. For messages that are small: ten of them have to
    /// fit into one request of 1 MiB.
    ///
    /// A crash or a lost answer leaves open what was sent; consumers absorb what is sent again.
    pub async fn send(&self, bodies: &[String]) -> Vec<Result<(), QueueError>> {
        let mut results = Vec::with_capacity(bodies.len());
        for ten in bodies.chunks(BATCH_ENTRIES_MAX) {
            results.extend(self.send_ten(ten).await);
        }
        results
    }

    async fn send_ten(&self, bodies: &[String]) -> Vec<Result<(), QueueError>> {
        let entries = bodies.iter().enumerate().map(|(place, body)| {
            let entry = SendMessageBatchRequestEntry::builder().id(place.to_string());
            entry.message_body(transportable(body)).build()
        });
        let entries: Vec<_> = match entries.collect() {
            Ok(entries) => entries,
            Err(error) => return all_failed(bodies.len(), &QueueError::Refused(error.into())),
        };
        let request = self.client().send_message_batch().queue_url(&self.queue_url);
        match request.set_entries(Some(entries)).send().await {
            Err(error) => all_failed(bodies.len(), &of_request(error)),
            Ok(answer) => {
                let failed = answer
                    .failed()
                    .iter()
                    .map(|entry| (entry.id().to_owned(), of_entry(entry)));
                results_by_place(bodies.len(), failed)
            }
        }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| Client::new(&self.session.sdk_config()))
    }

    async fn delay_ten(&self, deliveries: &[(&Delivery, Duration)]) -> Vec<Result<(), QueueError>> {
        let entries = deliveries.iter().enumerate().map(|(place, (delivery, after))| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(place.to_string())
                .receipt_handle(&delivery.receipt)
                .visibility_timeout(whole_seconds(*after))
                .build()
        });
        let entries: Vec<_> = match entries.collect() {
            Ok(entries) => entries,
            Err(error) => return all_failed(deliveries.len(), &QueueError::Refused(error.into())),
        };
        let request = self
            .client()
            .change_message_visibility_batch()
            .queue_url(&self.queue_url)
            .set_entries(Some(entries));
        match request.send().await {
            Err(error) => all_failed(deliveries.len(), &of_request(error)),
            Ok(answer) => {
                let failed = answer
                    .failed()
                    .iter()
                    .map(|entry| (entry.id().to_owned(), of_entry(entry)));
                results_by_place(deliveries.len(), failed)
            }
        }
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn park(&self, messages: &[ParkedMessage<'_>]) -> Vec<Result<(), QueueError>> {
        let parking = Parking {
            client: self.client(),
            url: &self.dead_letter_queue_url,
            store: self.store.as_deref(),
        };
        parking.park(messages).await
    }

    async fn delay(&self, deliveries: &[(&Delivery, Duration)]) -> Vec<Result<(), QueueError>> {
        let mut results = Vec::with_capacity(deliveries.len());
        for ten in deliveries.chunks(BATCH_ENTRIES_MAX) {
            results.extend(self.delay_ten(ten).await);
        }
        results
    }
}

/// SQS counts visibility in whole seconds; rounding up keeps small waits from becoming none.
fn whole_seconds(after: Duration) -> i32 {
    let seconds = after.min(VISIBILITY_MAX).as_millis().div_ceil(1000);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

fn all_failed(count: usize, error: &QueueError) -> Vec<Result<(), QueueError>> {
    let again = || match error {
        QueueError::Transient(source) => QueueError::Transient(source.to_string().into()),
        QueueError::Refused(source) => QueueError::Refused(source.to_string().into()),
    };
    (0..count).map(|_| Err(again())).collect()
}

/// Everything went well but what is named in `failed` by its place.
fn results_by_place(count: usize, failed: impl Iterator<Item = (String, QueueError)>) -> Vec<Result<(), QueueError>> {
    let mut results: Vec<Result<(), QueueError>> = (0..count).map(|_| Ok(())).collect();
    for (id, error) in failed {
        if let Some(result) = id.parse::<usize>().ok().and_then(|place| results.get_mut(place)) {
            *result = Err(error);
        }
    }
    results
}

fn of_entry(entry: &aws_sdk_sqs::types::BatchResultErrorEntry) -> QueueError {
    of_code(Some(entry.code()), describe_entry(entry))
}

fn of_request(failure: impl Into<RequestFailure>) -> QueueError {
    let RequestFailure { code, description, .. } = failure.into();
    of_code(code.as_deref(), description)
}

/// What these codes name is wrong with the message and stays so; everything else is the queue's trouble and may pass
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html#API_SendMessageBatch_Errors>).
fn of_code(code: Option<&str>, description: String) -> QueueError {
    let code = code.unwrap_or_default();
    // The JSON protocol writes them after a namespace, the query protocol with another prefix.
    let code = code.rsplit(['#', '.']).next().unwrap_or(code);
    let of_message = [
        "BatchRequestTooLong",
        "InvalidAttribute",
        "InvalidMessageContents",
        "InvalidParameter",
        "MissingParameter",
        "MessageTooLong",
        "ValidationE",
    ];
    match of_message.iter().any(|known| code.starts_with(known)) {
        true => QueueError::Refused(description.into()),
        false => QueueError::Transient(description.into()),
    }
}

fn describe_entry(entry: &aws_sdk_sqs::types::BatchResultErrorEntry) -> String {
    describe_answer(Some(entry.code()), entry.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_rounded_up_to_whole_seconds_and_bounded() {
        assert_eq!(whole_seconds(Duration::ZERO), 0);
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_millis(2001)), 3);
        assert_eq!(whole_seconds(Duration::from_secs(1 << 40)), 43_200);
    }

    #[test]
    fn only_named_entries_have_failed() {
        let results = results_by_place(
            3,
            [("1".to_owned(), of_code(Some("Throttled"), String::new()))].into_iter(),
        );
        assert!(results[0].is_ok() && results[1].is_err() && results[2].is_ok());
    }

    #[test]
    fn permanent_answers_are_told_from_passing_ones() {
        for code in [
            "InvalidMessageContents",
            "com.amazonaws.sqs#BatchRequestTooLong",
            "InvalidParameterValue",
        ] {
            assert!(
                matches!(of_code(Some(code), String::new()), QueueError::Refused(_)),
                "{code}"
            );
        }
        for code in [
            "RequestThrottled",
            "AWS.SimpleQueueService.NonExistentQueue",
            "AccessDenied",
            "OverLimit",
        ] {
            assert!(
                matches!(of_code(Some(code), String::new()), QueueError::Transient(_)),
                "{code}"
            );
        }
        assert!(matches!(of_code(None, String::new()), QueueError::Transient(_)));
    }
}
