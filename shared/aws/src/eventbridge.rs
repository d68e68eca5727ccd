//! Events to an EventBridge bus.

use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use onecommit_publish::{Destination, DestinationError, EntryError, FailureKind, Limits, Outgoing};

use crate::session::{RequestFailure, Session, denies, describe_answer};

/// What EventBridge counts for an entry's time
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html>).
const TIME_BYTES: usize = 14;

/// An event bus.
#[derive(Clone, Debug)]
pub struct EventBus {
    client: Client,
    name: String,
    source: String,
}

impl EventBus {
    /// A bus by its name, and the service that emits the events. Nothing is sent before the first request.
    #[must_use]
    pub fn new(session: &Session, name: String, source: String) -> Self {
        Self {
            client: Client::new(&session.sdk_config()),
            name,
            source,
        }
    }

    fn entry(&self, outgoing: &Outgoing) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(&self.source)
            .detail_type(outgoing.event.event_type())
            .detail(&outgoing.json)
            .build()
    }
}

#[async_trait]
impl Destination for EventBus {
    fn name(&self) -> &'static str {
        "eventbridge"
    }

    /// The documented 256 KB per request; an entry may fill it.
    fn limits(&self) -> Limits {
        Limits {
            entries_max: 10,
            entry_bytes_max: 256 * 1024,
            batch_bytes_max: 256 * 1024,
        }
    }

    fn bytes(&self, outgoing: &Outgoing) -> usize {
        TIME_BYTES + self.source.len() + outgoing.event.event_type().len() + outgoing.json.len()
    }

    async fn send(&self, batch: &[&Outgoing]) -> Result<Vec<Result<String, EntryError>>, DestinationError> {
        let entries = batch.iter().map(|outgoing| self.entry(outgoing)).collect();
        let answer = self
            .client
            .put_events()
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| of_request(error.into()))?;
        Ok(answer.entries().iter().map(of_entry).collect())
    }
}

fn of_entry(entry: &PutEventsResultEntry) -> Result<String, EntryError> {
    match (entry.event_id(), entry.error_code()) {
        (Some(id), None) => Ok(id.to_owned()),
        (_, code) => {
            let code = code.unwrap_or("no code");
            let message = describe_answer(Some(code), entry.error_message());
            Err(EntryError {
                blame: blame_by(code),
                message,
            })
        }
    }
}

fn of_request(failure: RequestFailure) -> DestinationError {
    let blame = match &failure.code {
        Some(code) => blame_by(code),
        None if failure.never_sent => FailureKind::Event,
        None => FailureKind::Passing,
    };
    DestinationError {
        blame,
        message: failure.description,
    }
}

/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html>
fn blame_by(code: &str) -> FailureKind {
    let is_one_of = |codes: &[&str]| codes.iter().any(|known| code.starts_with(known));
    if is_one_of(&["InvalidArgument", "MalformedDetail", "RedactionFailure", "ValidationE"]) {
        FailureKind::Event
    } else if denies(code) || is_one_of(&["NotAuthorizedFor", "ResourceNotFound", "InvalidAccountId"]) {
        FailureKind::Destination
    } else {
        FailureKind::Passing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_decide_who_is_to_blame() {
        for (code, blame) in [
            ("MalformedDetail", FailureKind::Event),
            ("ValidationException", FailureKind::Event),
            ("NotAuthorizedForDetailTypeException", FailureKind::Destination),
            ("NotAuthorizedForSource", FailureKind::Destination),
            ("ResourceNotFoundException", FailureKind::Destination),
            ("UnrecognizedClientException", FailureKind::Destination),
            ("ThrottlingException", FailureKind::Passing),
            ("InternalFailure", FailureKind::Passing),
        ] {
            assert_eq!(blame_by(code), blame, "{code}");
        }
    }
}
