//! Bugs of sagas. Those of their pure logic are patches, see [`crate::patches`].

use std::sync::Arc;

use async_trait::async_trait;
use onecommit_engine::Write;
use onecommit_event::EventId;
use onecommit_publish::{Destination, DestinationError, EntryError, Outgoing};
use onecommit_simulation::{Sabotage, SimulatedTopic};

use super::bug::Bug;
use super::rewriting::{is_of, unconditional};
use crate::scenarios::trips::SAGAS;

pub(super) const BUGS: &[Bug] = &[
    Bug::sabotage(
        "saga-row-unconditional",
        "A transition is lost: a saga's row is put over the one that another message made meanwhile.",
        |_| Arc::new(SagaRowUnconditional),
    ),
    Bug::sabotage(
        "deadline-id-without-version",
        "A saga stands still: its second deadline has the id of its first and counts as a copy.",
        |_| Arc::new(DeadlineIdWithoutVersion),
    ),
];

struct SagaRowUnconditional;

impl Sabotage for SagaRowUnconditional {
    fn alter(&self, write: Write) -> Write {
        match write {
            put @ Write::Put(_) if is_of(&put, SAGAS) => unconditional(put),
            other => other,
        }
    }
}

struct DeadlineIdWithoutVersion;

#[async_trait]
impl Sabotage for DeadlineIdWithoutVersion {
    async fn publish(
        &self,
        topic: &SimulatedTopic,
        events: &[&Outgoing],
    ) -> Result<Vec<Result<String, EntryError>>, DestinationError> {
        let events: Vec<Outgoing> = events.iter().map(|outgoing| with_id_of_saga(outgoing)).collect();
        topic.send(&events.iter().collect::<Vec<_>>()).await
    }
}

fn with_id_of_saga(outgoing: &Outgoing) -> Outgoing {
    let event = outgoing.event.clone();
    if event.event_type() != "SagaDeadlineReached" {
        return outgoing.clone();
    }
    let id = EventId::of_foreign(&event.aggregate().to_string(), "deadline");
    Outgoing::from(event.with_id(id))
}
