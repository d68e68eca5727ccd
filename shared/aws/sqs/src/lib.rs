//! SQS: messages received, deleted, kept hidden, delayed, and parked in the dead-letter queue.

mod attributes;
mod parking;
mod source;

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, SendMessageBatchRequestEntry};
use onecommit_aws_session::Session;
use onecommit_commit::{Delivery, ParkedMessage, Queue, QueueError};

/// The most entries of one batch call.
const BATCH_ENTRIES_MAX: usize = 10;
/// The longest a message may stay invisible, from when it was received.
const VISIBILITY_MAX: Duration = Duration::from_secs(12 * 3600);

/// A queue and its dead-letter queue on SQS.
pub struct SqsQueue {
    session: Session,
    queue_url: String,
    dead_letter_queue_url: String,
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
            client: OnceLock::new(),
        }
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
            entry.message_body(body).build()
        });
        let entries: Vec<_> = match entries.collect() {
            Ok(entries) => entries,
            Err(error) => return all_failed(bodies.len(), &error.to_string()),
        };
        let request = self.client().send_message_batch().queue_url(&self.queue_url);
        match request.set_entries(Some(entries)).send().await {
            Err(error) => all_failed(bodies.len(), &describe(error)),
            Ok(answer) => {
                let failed = answer
                    .failed()
                    .iter()
                    .map(|entry| (entry.id().to_owned(), describe_entry(entry)));
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
            Err(error) => return all_failed(deliveries.len(), &error.to_string()),
        };
        let request = self
            .client()
            .change_message_visibility_batch()
            .queue_url(&self.queue_url)
            .set_entries(Some(entries));
        match request.send().await {
            Err(error) => all_failed(deliveries.len(), &describe(error)),
            Ok(answer) => {
                let failed = answer
                    .failed()
                    .iter()
                    .map(|entry| (entry.id().to_owned(), describe_entry(entry)));
                results_by_place(deliveries.len(), failed)
            }
        }
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn park(&self, messages: &[ParkedMessage<'_>]) -> Vec<Result<(), QueueError>> {
        parking::park(self.client(), &self.dead_letter_queue_url, messages).await
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

fn all_failed(count: usize, error: &str) -> Vec<Result<(), QueueError>> {
    (0..count)
        .map(|_| Err(QueueError::Transient(error.to_owned().into())))
        .collect()
}

/// Everything went well but what is named in `failed` by its place.
fn results_by_place(count: usize, failed: impl Iterator<Item = (String, String)>) -> Vec<Result<(), QueueError>> {
    let mut results: Vec<Result<(), QueueError>> = (0..count).map(|_| Ok(())).collect();
    for (id, error) in failed {
        if let Some(result) = id.parse::<usize>().ok().and_then(|place| results.get_mut(place)) {
            *result = Err(QueueError::Transient(error.into()));
        }
    }
    results
}

fn describe_entry(entry: &aws_sdk_sqs::types::BatchResultErrorEntry) -> String {
    format!("{}: {}", entry.code(), entry.message().unwrap_or("no message"))
}

fn describe<E: std::error::Error + Send + Sync + 'static>(
    error: aws_sdk_sqs::error::SdkError<E, aws_sdk_sqs::config::http::HttpResponse>,
) -> String {
    aws_sdk_sqs::error::DisplayErrorContext(error).to_string()
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
    fn only_what_is_named_has_failed() {
        let results = results_by_place(3, [("1".to_owned(), "Throttled".to_owned())].into_iter());
        assert!(results[0].is_ok() && results[1].is_err() && results[2].is_ok());
    }
}
