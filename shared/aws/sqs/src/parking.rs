//! Sending messages to the dead-letter queue.

use std::collections::HashMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use onecommit_commit::{ParkedMessage, QueueError};

use crate::attributes::{self, Named};
use crate::{BATCH_ENTRIES_MAX, all_failed, describe, describe_entry, results_by_place};

/// The most bytes of a message with its attributes, and of a batch
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>).
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// One message with all that is sent.
struct Parcel<'a> {
    place: usize,
    message: &'a ParkedMessage<'a>,
    attributes: Vec<Named>,
    bytes: usize,
}

pub(crate) async fn park(
    client: &Client,
    dead_letter_queue_url: &str,
    messages: &[ParkedMessage<'_>],
) -> Vec<Result<(), QueueError>> {
    let mut results: Vec<Result<(), QueueError>> = messages.iter().map(|_| Ok(())).collect();
    let mut parcels = Vec::with_capacity(messages.len());
    for (place, message) in messages.iter().enumerate() {
        let attributes = attributes::of(message);
        let bytes = message.delivery.body.len() + attributes.iter().map(attributes::bytes).sum::<usize>();
        if bytes > MESSAGE_BYTES_MAX {
            results[place] = Err(QueueError::TooLarge);
        } else {
            parcels.push(Parcel {
                place,
                message,
                attributes,
                bytes,
            });
        }
    }
    for batch in batches(parcels) {
        let sent = send(client, dead_letter_queue_url, &batch).await;
        for (parcel, result) in batch.iter().zip(sent) {
            results[parcel.place] = result;
        }
    }
    results
}

/// Batches of at most ten entries that together are no larger than one message may be.
fn batches(parcels: Vec<Parcel<'_>>) -> Vec<Vec<Parcel<'_>>> {
    let mut batches: Vec<Vec<Parcel<'_>>> = Vec::new();
    let mut bytes = 0;
    for parcel in parcels {
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH_ENTRIES_MAX && bytes + parcel.bytes <= MESSAGE_BYTES_MAX => {
                bytes += parcel.bytes;
                batch.push(parcel);
            }
            _ => {
                bytes = parcel.bytes;
                batches.push(vec![parcel]);
            }
        }
    }
    batches
}

async fn send(client: &Client, url: &str, batch: &[Parcel<'_>]) -> Vec<Result<(), QueueError>> {
    let entries: Result<Vec<_>, BuildError> = batch
        .iter()
        .enumerate()
        .map(|(id, parcel)| entry(id, parcel, url.ends_with(".fifo")))
        .collect();
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => return all_failed(batch.len(), &error.to_string()),
    };
    match client
        .send_message_batch()
        .queue_url(url)
        .set_entries(Some(entries))
        .send()
        .await
    {
        Err(error) => all_failed(batch.len(), &describe(error)),
        Ok(answer) => {
            let failed = answer
                .failed()
                .iter()
                .map(|entry| (entry.id().to_owned(), describe_entry(entry)));
            results_by_place(batch.len(), failed)
        }
    }
}

fn entry(id: usize, parcel: &Parcel<'_>, fifo: bool) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let delivery = parcel.message.delivery;
    let attributes: Result<HashMap<_, _>, BuildError> = parcel
        .attributes
        .iter()
        .map(|(name, value)| Ok((name.clone(), attributes::to_sqs(value)?)))
        .collect();
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(id.to_string())
        // SQS takes no empty body.
        .message_body(if delivery.body.is_empty() { " " } else { &delivery.body })
        .set_message_attributes(Some(attributes?));
    if fifo {
        // Parked again after a crash, it is still one message.
        entry = entry
            .message_group_id(delivery.group.as_deref().unwrap_or(&delivery.message_id))
            .message_deduplication_id(&delivery.message_id);
    }
    entry.build()
}
