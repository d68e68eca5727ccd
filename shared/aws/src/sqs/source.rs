//! Receiving, deleting and extending: the worker's side of a queue.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageAttributeValue, MessageSystemAttributeName,
};
use onecommit_engine::{Attribute, Delivery};
use onecommit_environment::Timestamp;
use onecommit_worker::{MESSAGES_MAX, Receipt, Source, SourceError, WAIT_MAX};

use crate::session::RequestFailure;
use crate::sqs::{BATCH_ENTRIES_MAX, SqsQueue, describe_entry, whole_seconds};

const SYSTEM_ATTRIBUTES: [MessageSystemAttributeName; 5] = [
    MessageSystemAttributeName::MessageGroupId,
    MessageSystemAttributeName::ApproximateReceiveCount,
    MessageSystemAttributeName::SentTimestamp,
    MessageSystemAttributeName::ApproximateFirstReceiveTimestamp,
    MessageSystemAttributeName::AwsTraceHeader,
];

#[async_trait]
impl Source for SqsQueue {
    async fn receive(&self, most: usize, wait: Duration, visibility: Duration) -> Result<Vec<Delivery>, SourceError> {
        let most = i32::try_from(most.clamp(1, MESSAGES_MAX)).unwrap_or(1);
        // Waiting for a message is no sign that the request is lost.
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(wait + self.session.request_timeout());
        let patient = aws_sdk_sqs::Config::builder().timeout_config(timeouts.build());
        let request = self
            .client()
            .receive_message()
            .queue_url(&self.queue_url)
            .max_number_of_messages(most)
            .wait_time_seconds(whole_seconds(wait.min(WAIT_MAX)))
            .visibility_timeout(whole_seconds(visibility))
            .message_attribute_names("All")
            .set_message_system_attribute_names(Some(SYSTEM_ATTRIBUTES.to_vec()));
        let answer = request
            .customize()
            .config_override(patient)
            .send()
            .await
            .map_err(of_request)?;
        Ok(self.deliveries(answer.messages.unwrap_or_default()))
    }

    async fn delete(&self, receipts: &[Receipt]) -> Vec<Result<(), SourceError>> {
        let mut results = Vec::with_capacity(receipts.len());
        for ten in receipts.chunks(BATCH_ENTRIES_MAX) {
            results.extend(
                self.delete_ten(ten)
                    .await
                    .unwrap_or_else(|error| all_failed(ten.len(), &error)),
            );
        }
        results
    }

    async fn extend(&self, receipts: &[Receipt], visibility: Duration) -> Vec<Result<(), SourceError>> {
        let mut results = Vec::with_capacity(receipts.len());
        for ten in receipts.chunks(BATCH_ENTRIES_MAX) {
            let extended = self.extend_ten(ten, visibility).await;
            results.extend(extended.unwrap_or_else(|error| all_failed(ten.len(), &error)));
        }
        results
    }
}

impl SqsQueue {
    fn deliveries(&self, messages: Vec<Message>) -> Vec<Delivery> {
        let is_fifo = self.queue_url.ends_with(".fifo");
        messages.into_iter().map(|message| delivery(message, is_fifo)).collect()
    }

    async fn delete_ten(&self, receipts: &[Receipt]) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        let entry = |(place, receipt): (usize, &Receipt)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(place.to_string());
            entry.receipt_handle(&receipt.handle).build()
        };
        let entries: Result<Vec<_>, BuildError> = receipts.iter().enumerate().map(entry).collect();
        let request = self.client().delete_message_batch().queue_url(&self.queue_url);
        let answer = request.set_entries(Some(entries.map_err(refused)?)).send().await;
        Ok(by_place(receipts.len(), answer.map_err(of_request)?.failed()))
    }

    async fn extend_ten(
        &self,
        receipts: &[Receipt],
        visibility: Duration,
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        let entry = |(place, receipt): (usize, &Receipt)| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(place.to_string());
            entry
                .receipt_handle(&receipt.handle)
                .visibility_timeout(whole_seconds(visibility))
                .build()
        };
        let entries: Result<Vec<_>, BuildError> = receipts.iter().enumerate().map(entry).collect();
        let request = self
            .client()
            .change_message_visibility_batch()
            .queue_url(&self.queue_url);
        let answer = request.set_entries(Some(entries.map_err(refused)?)).send().await;
        Ok(by_place(receipts.len(), answer.map_err(of_request)?.failed()))
    }
}

/// The group is an order on a FIFO queue, and a tenant's share on any other.
fn delivery(message: Message, is_fifo: bool) -> Delivery {
    let mut system = message.attributes.unwrap_or_default();
    let group = system.remove(&MessageSystemAttributeName::MessageGroupId);
    let (group, tenant) = if is_fifo { (group, None) } else { (None, group) };
    let number = |name| system.get(&name).and_then(|number: &String| number.parse::<i64>().ok());
    let receive_count =
        number(MessageSystemAttributeName::ApproximateReceiveCount).and_then(|count| u32::try_from(count).ok());
    let sent_at = number(MessageSystemAttributeName::SentTimestamp);
    let first_received_at = number(MessageSystemAttributeName::ApproximateFirstReceiveTimestamp);
    let attributes = message.message_attributes.unwrap_or_default();
    Delivery {
        trace_header: system.remove(&MessageSystemAttributeName::AwsTraceHeader),
        message_id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        attributes: attributes.into_iter().filter_map(attribute).collect(),
        group,
        tenant,
        receive_count: receive_count.unwrap_or(1),
        sent_at: sent_at.map(Timestamp::from_unix_ms),
        first_received_at: first_received_at.map(Timestamp::from_unix_ms),
    }
}

fn attribute((name, found): (String, MessageAttributeValue)) -> Option<(String, Attribute)> {
    let data_type = found.data_type;
    let value = match (found.string_value, found.binary_value) {
        (Some(value), _) => Attribute::Text { data_type, value },
        (None, Some(value)) => Attribute::Binary {
            data_type,
            value: value.into_inner(),
        },
        (None, None) => return None,
    };
    Some((name, value))
}

/// Everything went well but what the answer names, by its place.
fn by_place(count: usize, failed: &[BatchResultErrorEntry]) -> Vec<Result<(), SourceError>> {
    let mut results: Vec<Result<(), SourceError>> = (0..count).map(|_| Ok(())).collect();
    for entry in failed {
        if let Some(result) = entry
            .id()
            .parse::<usize>()
            .ok()
            .and_then(|place| results.get_mut(place))
        {
            *result = Err(of_code(Some(entry.code()), describe_entry(entry)));
        }
    }
    results
}

fn all_failed(count: usize, error: &SourceError) -> Vec<Result<(), SourceError>> {
    let again = || match error {
        SourceError::Transient(source) => SourceError::Transient(source.to_string().into()),
        SourceError::Refused(source) => SourceError::Refused(source.to_string().into()),
        SourceError::Expired => SourceError::Expired,
    };
    (0..count).map(|_| Err(again())).collect()
}

fn of_request(failure: impl Into<RequestFailure>) -> SourceError {
    let RequestFailure { code, description, .. } = failure.into();
    match of_code(code.as_deref(), description.clone()) {
        // Of a request as a whole it says that the request is wrong.
        SourceError::Expired => SourceError::Refused(description.into()),
        other => other,
    }
}

/// What these codes name passes only when somebody changes something; with a receipt, that its time is over.
fn of_code(code: Option<&str>, message: String) -> SourceError {
    let code = code.unwrap_or_default();
    // The JSON protocol writes them after a namespace, the query protocol with another prefix.
    let code = code.rsplit(['#', '.']).next().unwrap_or(code);
    match code {
        "ReceiptHandleIsInvalid" | "MessageNotInflight" | "InvalidParameterValue" => SourceError::Expired,
        "AccessDenied"
        | "AccessDeniedException"
        | "QueueDoesNotExist"
        | "NonExistentQueue"
        | "InvalidAddress"
        | "InvalidSecurity"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "KmsAccessDenied"
        | "UnsupportedOperation" => SourceError::Refused(message.into()),
        _ => SourceError::Transient(message.into()),
    }
}

fn refused(error: BuildError) -> SourceError {
    SourceError::Refused(error.into())
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::primitives::Blob;

    use super::*;

    #[test]
    fn a_message_becomes_a_delivery_with_its_group_and_its_attributes() {
        let text = MessageAttributeValue::builder()
            .data_type("String")
            .string_value("ParcelShipped");
        let binary = MessageAttributeValue::builder()
            .data_type("Binary")
            .binary_value(Blob::new([0xFF]));
        let message = Message::builder()
            .message_id("m-1")
            .receipt_handle("r-1")
            .body("{}")
            .attributes(MessageSystemAttributeName::MessageGroupId, "Order#1")
            .attributes(MessageSystemAttributeName::ApproximateReceiveCount, "3")
            .attributes(
                MessageSystemAttributeName::ApproximateFirstReceiveTimestamp,
                "1800000000000",
            )
            .attributes(MessageSystemAttributeName::AwsTraceHeader, "Root=1-5759e988")
            .message_attributes("EventType", text.build().unwrap())
            .message_attributes("Raw", binary.build().unwrap());
        let message = message.build();
        let on_standard = delivery(message.clone(), false);
        assert_eq!(
            (on_standard.group, on_standard.tenant.as_deref()),
            (None, Some("Order#1"))
        );
        let delivery = delivery(message, true);
        assert_eq!(delivery.trace_header.as_deref(), Some("Root=1-5759e988"));
        assert_eq!(
            delivery.first_received_at,
            Some(Timestamp::from_unix_ms(1_800_000_000_000))
        );
        assert_eq!(
            (delivery.message_id.as_str(), delivery.receipt.as_str()),
            ("m-1", "r-1")
        );
        assert_eq!(
            (delivery.group.as_deref(), delivery.receive_count),
            (Some("Order#1"), 3)
        );
        let raw = Attribute::Binary {
            data_type: "Binary".into(),
            value: vec![0xFF],
        };
        assert!(delivery.attributes.contains(&("Raw".to_owned(), raw)));
    }

    #[test]
    fn error_codes_decide_what_is_retried() {
        let of = |code| of_code(Some(code), String::new());
        assert!(matches!(of("ReceiptHandleIsInvalid"), SourceError::Expired));
        assert!(matches!(
            of("AWS.SimpleQueueService.NonExistentQueue"),
            SourceError::Refused(_)
        ));
        assert!(matches!(
            of("com.amazonaws.sqs#QueueDoesNotExist"),
            SourceError::Refused(_)
        ));
        assert!(matches!(of("RequestThrottled"), SourceError::Transient(_)));
        assert!(matches!(of_code(None, String::new()), SourceError::Transient(_)));
    }
}
