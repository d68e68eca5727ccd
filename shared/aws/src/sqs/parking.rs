//! Sending messages to the dead-letter queue.

use std::collections::HashMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{
    MessageSystemAttributeNameForSends, MessageSystemAttributeValue, SendMessageBatchRequestEntry,
};
use onecommit_engine::{ParkedMessage, QueueError};
use onecommit_event::claim_check::PayloadStore;

use crate::session::fifo_id;
use crate::sqs::attributes;
use crate::sqs::forms::{Form, Packed};
use crate::sqs::{BATCH_ENTRIES_MAX, MESSAGE_BYTES_MAX, all_failed, of_entry, of_request, results_by_place};

/// The dead-letter queue, and where bodies go that it does not take.
pub(crate) struct Parking<'a> {
    pub(crate) client: &'a Client,
    pub(crate) url: &'a str,
    pub(crate) store: Option<&'a dyn PayloadStore>,
}

/// One message in the form that is tried.
struct Parcel<'a> {
    place: usize,
    message: &'a ParkedMessage<'a>,
    form: Form,
    packed: Packed,
}

impl Parking<'_> {
    /// Parks each message in the first of the [`Form`]s that the queue takes.
    pub(crate) async fn park(&self, messages: &[ParkedMessage<'_>]) -> Vec<Result<(), QueueError>> {
        let mut results: Vec<Result<(), QueueError>> = messages.iter().map(|_| Ok(())).collect();
        let mut open: Vec<(usize, Option<Form>)> =
            (0..messages.len()).map(|place| (place, Some(Form::Whole))).collect();
        while !open.is_empty() {
            let mut parcels = Vec::with_capacity(open.len());
            for (place, form) in open.drain(..) {
                match self.pack(place, &messages[place], form).await {
                    Ok(Some(parcel)) => parcels.push(parcel),
                    // What was refused last says why.
                    Ok(None) => {}
                    Err(error) => results[place] = Err(error),
                }
            }
            for batch in batches(parcels) {
                let sent = self.send(&batch).await;
                for (parcel, result) in batch.iter().zip(sent) {
                    if matches!(result, Err(QueueError::Refused(_))) {
                        open.push((parcel.place, parcel.form.next()));
                    }
                    results[parcel.place] = result;
                }
            }
        }
        results
    }

    /// The message in the first form from this one on that is small enough.
    async fn pack<'m>(
        &self,
        place: usize,
        message: &'m ParkedMessage<'m>,
        mut form: Option<Form>,
    ) -> Result<Option<Parcel<'m>>, QueueError> {
        while let Some(this) = form {
            match this.pack(message, self.store).await? {
                Some(packed) if packed.bytes() <= MESSAGE_BYTES_MAX => {
                    return Ok(Some(Parcel {
                        place,
                        message,
                        form: this,
                        packed,
                    }));
                }
                _ => form = this.next(),
            }
        }
        Ok(None)
    }

    /// Sends a batch. When it is refused as a whole, each of its messages is sent alone, so that only the one to blame is
    /// refused.
    async fn send(&self, batch: &[Parcel<'_>]) -> Vec<Result<(), QueueError>> {
        match self.send_batch(batch).await {
            Ok(results) => results,
            Err(QueueError::Refused(_)) if batch.len() > 1 => {
                let mut results = Vec::with_capacity(batch.len());
                for parcel in batch {
                    let alone = self.send_batch(std::slice::from_ref(parcel)).await;
                    results.extend(alone.unwrap_or_else(|error| vec![Err(error)]));
                }
                results
            }
            Err(error) => all_failed(batch.len(), &error),
        }
    }

    async fn send_batch(&self, batch: &[Parcel<'_>]) -> Result<Vec<Result<(), QueueError>>, QueueError> {
        let is_fifo = self.url.ends_with(".fifo");
        let entries = batch.iter().enumerate().map(|(id, parcel)| entry(id, parcel, is_fifo));
        let entries: Result<Vec<_>, BuildError> = entries.collect();
        let entries = entries.map_err(|error| QueueError::Refused(error.into()))?;
        let request = self.client.send_message_batch().queue_url(self.url);
        let answer = request.set_entries(Some(entries)).send().await.map_err(of_request)?;
        let failed = answer
            .failed()
            .iter()
            .map(|entry| (entry.id().to_owned(), of_entry(entry)));
        Ok(results_by_place(batch.len(), failed))
    }
}

/// Batches of at most ten entries that together are no larger than one message may be.
fn batches(parcels: Vec<Parcel<'_>>) -> Vec<Vec<Parcel<'_>>> {
    let mut batches: Vec<Vec<Parcel<'_>>> = Vec::new();
    let mut bytes = 0;
    for parcel in parcels {
        let more = parcel.packed.bytes();
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH_ENTRIES_MAX && bytes + more <= MESSAGE_BYTES_MAX => {
                bytes += more;
                batch.push(parcel);
            }
            _ => {
                bytes = more;
                batches.push(vec![parcel]);
            }
        }
    }
    batches
}

fn entry(id: usize, parcel: &Parcel<'_>, fifo: bool) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let delivery = parcel.message.delivery;
    let attributes: Result<HashMap<_, _>, BuildError> = parcel
        .packed
        .attributes
        .iter()
        .map(|(name, value)| Ok((name.clone(), attributes::to_sqs(value)?)))
        .collect();
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(id.to_string())
        .message_body(&parcel.packed.body)
        .set_message_attributes(Some(attributes?));
    if let Some(header) = &delivery.trace_header {
        let value = MessageSystemAttributeValue::builder()
            .data_type("String")
            .string_value(header);
        entry = entry.message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, value.build()?);
    }
    if fifo {
        // Parked again after a crash, it is still one message.
        entry = entry
            .message_group_id(fifo_id(delivery.group.as_deref().unwrap_or(&delivery.message_id)))
            .message_deduplication_id(fifo_id(&delivery.message_id));
    } else if let Some(tenant) = &delivery.tenant {
        entry = entry.message_group_id(tenant);
    }
    entry.build()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use onecommit_engine::{Attribute, Delivery, ParkReason};
    use onecommit_event::claim_check::StoreError;

    use super::*;

    #[derive(Default)]
    struct Shelf {
        keys: Mutex<Vec<String>>,
        trouble: Option<fn() -> StoreError>,
    }

    #[async_trait]
    impl PayloadStore for Shelf {
        fn name(&self) -> &str {
            "shelf"
        }
        async fn put(&self, key: &str, _: &str) -> Result<(), StoreError> {
            self.keys.lock().unwrap().push(key.to_owned());
            self.trouble.map_or(Ok(()), |trouble| Err(trouble()))
        }
        async fn get(&self, _: &str, _: u64) -> Result<String, StoreError> {
            Err(StoreError::Gone("nothing is taken here".into()))
        }
    }

    #[test]
    fn all_that_a_redrive_keeps_is_kept() {
        let binary = Attribute::Binary {
            data_type: "Binary.raw".into(),
            value: vec![0xFF],
        };
        let delivery = Delivery {
            message_id: "m-1".into(),
            body: "{}".into(),
            attributes: vec![("Raw".into(), binary)],
            tenant: Some("t".into()),
            trace_header: Some("Root=1-5759e988".into()),
            ..Delivery::default()
        };
        let message = ParkedMessage {
            delivery: &delivery,
            reason: ParkReason::Rejected,
            error: "no such order",
            consumer: "view",
            parked_at: "2026-11-22T07:00:00.000Z".into(),
        };
        let parcel = Parcel {
            place: 0,
            message: &message,
            form: Form::Whole,
            packed: Packed {
                body: delivery.body.clone(),
                attributes: attributes::of(&message, None),
            },
        };
        let entry = entry(0, &parcel, false).unwrap();
        assert_eq!(entry.message_group_id(), Some("t"));
        let header = &entry.message_system_attributes().unwrap()[&MessageSystemAttributeNameForSends::AwsTraceHeader];
        assert_eq!(header.string_value(), Some("Root=1-5759e988"));
        let raw = &entry.message_attributes().unwrap()["Raw"];
        assert_eq!(
            (raw.data_type(), raw.binary_value().unwrap().as_ref()),
            ("Binary.raw", &[0xFF][..])
        );
    }

    /// The forms a body is sent in, one after the other, by what is left of it.
    async fn forms(body: &str, store: Option<&dyn PayloadStore>) -> Result<Vec<(Form, Packed)>, QueueError> {
        let delivery = Delivery {
            message_id: "m-1".into(),
            body: body.to_owned(),
            ..Delivery::default()
        };
        let message = ParkedMessage {
            delivery: &delivery,
            reason: ParkReason::MalformedBody,
            error: "no",
            consumer: "view",
            parked_at: "2026-11-22T07:00:00.000Z".into(),
        };
        let config = aws_sdk_sqs::Config::builder().behavior_version_latest().build();
        let client = Client::from_conf(config);
        let parking = Parking {
            client: &client,
            url: "",
            store,
        };
        let (mut sent, mut form) = (Vec::new(), Some(Form::Whole));
        while let Some(parcel) = parking.pack(0, &message, form).await? {
            form = parcel.form.next();
            sent.push((parcel.form, parcel.packed));
        }
        Ok(sent)
    }

    fn detail(packed: &Packed) -> serde_json::Value {
        let found = packed.attributes.iter().find(|(name, _)| name == "ParkedDetail");
        match found {
            Some((_, Attribute::Text { value, .. })) => serde_json::from_str(value).unwrap(),
            _ => panic!("{:?}", packed.attributes),
        }
    }

    #[tokio::test]
    async fn a_letter_is_escaped_where_the_queue_refuses_a_character() {
        let sent = forms("{\"a\":\"\u{FFFE}\"}", None).await.unwrap();
        let (form, packed) = &sent[0];
        assert_eq!((*form, packed.body.as_str()), (Form::Whole, r#"{"a":"\uFFFE"}"#));
        assert_eq!(detail(packed)["body"]["form"], "escaped");
        let plain = forms("{}", None).await.unwrap();
        assert!(
            detail(&plain[0].1)["body"].is_null(),
            "what was not changed says nothing"
        );
    }

    #[tokio::test]
    async fn a_letter_that_is_refused_whole_ends_cut_with_its_hash() {
        let body = "é".repeat(CUT);
        let sent = forms(&body, None).await.unwrap();
        assert_eq!(
            sent.iter().map(|(form, _)| *form).collect::<Vec<_>>(),
            [Form::Whole, Form::Bare, Form::Cut]
        );
        let (_, cut) = &sent[2];
        assert!(cut.body.len() <= CUT && body.starts_with(&cut.body));
        assert_eq!(detail(cut)["body"]["bytes"], body.len());
        assert_eq!(detail(cut)["body"]["sha256"].as_str().unwrap().len(), 64);
    }

    const CUT: usize = 64 * 1024;

    #[tokio::test]
    async fn a_letter_too_large_for_its_attributes_loses_those() {
        let sent = forms(&"x".repeat(MESSAGE_BYTES_MAX - 100), None).await.unwrap();
        assert_eq!(
            sent.iter().map(|(form, _)| *form).collect::<Vec<_>>(),
            [Form::Bare, Form::Trimmed, Form::Cut]
        );
        assert!(sent.iter().all(|(_, packed)| packed.bytes() <= MESSAGE_BYTES_MAX));
    }

    #[tokio::test]
    async fn a_body_goes_to_the_store_before_anything_is_left_out() {
        let shelf = Shelf::default();
        let sent = forms(&"x".repeat(MESSAGE_BYTES_MAX), Some(&shelf)).await.unwrap();
        assert_eq!(sent[0].0, Form::Stored);
        let key = shelf.keys.lock().unwrap()[0].clone();
        assert!(key.starts_with("claims/parked/") && sent[0].1.body.contains(&key));
        let away = Shelf {
            trouble: Some(|| StoreError::Transient("away".into())),
            ..Shelf::default()
        };
        let later = forms(&"x".repeat(MESSAGE_BYTES_MAX), Some(&away)).await;
        assert!(
            matches!(later, Err(QueueError::Transient(_))),
            "nothing is cut while the store is away"
        );
        let gone = Shelf {
            trouble: Some(|| StoreError::Gone("denied".into())),
            ..Shelf::default()
        };
        let sent = forms(&"x".repeat(MESSAGE_BYTES_MAX), Some(&gone)).await.unwrap();
        assert_eq!(sent[0].0, Form::Trimmed);
    }
}
