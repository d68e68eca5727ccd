//! Filling a view's gaps from the store, instead of waiting until the messages before this one have come.
//!
//! For a generation that is being built this is not only quicker. An event of a stream that the replay has not come to
//! yet would be a gap for as long as the replay takes, and be parked long before it is over.

use std::collections::BTreeMap;
use std::collections::HashMap;

use onecommit_engine::{Deadline, Delivery, Engine, ParkReason, RetryReason, Verdict};
use onecommit_environment::Timestamp;
use onecommit_event::{Aggregate, Event, EventId};
use onecommit_event_store::{EventStore, StoreError};
use tracing::warn;

use super::in_time::in_time;

pub(super) struct CatchingUp<'a> {
    store: &'a EventStore,
}

/// How many events before the first that was missed are tried at first, and how much further back it goes after that.
const WINDOW: u64 = 8;
/// How many events are handled at once.
const EVENTS_AT_ONCE: usize = 100;

/// Events of one stream that a view could not take yet.
#[derive(Clone, Copy)]
struct Missed {
    least: u64,
    most: u64,
    receive_count: u32,
    first_received_at: Option<Timestamp>,
}

impl<'a> From<&'a EventStore> for CatchingUp<'a> {
    fn from(store: &'a EventStore) -> Self {
        Self { store }
    }
}

impl CatchingUp<'_> {
    /// Replaces the verdicts on events that came too early by what became of them once the view has caught up.
    pub(super) async fn fill_gaps(
        &self,
        engine: &Engine,
        deliveries: &[Delivery],
        events: &[Option<&Event>],
        verdicts: &mut [Verdict],
        deadline: Deadline,
    ) {
        for (stream, missed) in missed_streams(deliveries, events, verdicts) {
            match self.catch_up(engine, &stream, missed, deadline).await {
                Ok(caught_up) => replace(events, verdicts, &caught_up),
                Err(error @ (StoreError::Corrupt { .. } | StoreError::Gap { .. })) => {
                    park_gaps(&stream, &error, events, verdicts);
                }
                Err(error) => warn!(
                    error = %error, cause = error_of(&error), stream = %stream,
                    "missed events could not be read from the store; the view waits for their messages",
                ),
            }
        }
    }

    /// Further and further back, until the view has what comes before.
    async fn catch_up(
        &self,
        engine: &Engine,
        stream: &Aggregate,
        missed: Missed,
        deadline: Deadline,
    ) -> Result<HashMap<EventId, Verdict>, StoreError> {
        let mut window = WINDOW;
        loop {
            let from = missed.least.saturating_sub(window).max(1);
            let told = self.tell(engine, stream, from, missed, deadline).await?;
            if from == 1 || !told.begins_in_a_gap {
                return Ok(told.verdicts);
            }
            window = window.saturating_mul(WINDOW);
        }
    }

    async fn tell(
        &self,
        engine: &Engine,
        stream: &Aggregate,
        from: u64,
        missed: Missed,
        deadline: Deadline,
    ) -> Result<Told, StoreError> {
        let mut told = Told::default();
        let (mut reading, mut next) = (self.store.read(stream, from), from);
        while next <= missed.most && !told.begins_in_a_gap {
            let mut events = Vec::new();
            while next <= missed.most && events.len() < EVENTS_AT_ONCE {
                // Without an answer in time it is as if the store ended here: the rest comes back.
                let answer = in_time(deadline, engine.environment(), reading.next()).await;
                let Some(event) = answer.transpose()?.flatten() else {
                    break;
                };
                next += 1;
                events.push(event);
            }
            if events.is_empty() {
                break;
            }
            let deliveries: Vec<Delivery> = events.iter().map(|event| as_delivery(event, missed)).collect();
            let verdicts = engine.handle(&deliveries, deadline).await;
            told.begins_in_a_gap = told.verdicts.is_empty() && verdicts.first().is_some_and(is_gap);
            told.verdicts.extend(events.iter().map(Event::id).zip(verdicts));
        }
        Ok(told)
    }
}

#[derive(Default)]
struct Told {
    verdicts: HashMap<EventId, Verdict>,
    begins_in_a_gap: bool,
}

/// The streams in which a view has a gap, with the events that came too early.
fn missed_streams(
    deliveries: &[Delivery],
    events: &[Option<&Event>],
    verdicts: &[Verdict],
) -> BTreeMap<Aggregate, Missed> {
    let mut streams: BTreeMap<Aggregate, Missed> = BTreeMap::new();
    for (delivery, event) in those(is_gap, deliveries, events, verdicts) {
        let sequence = event.metadata().sequence.unwrap_or(0);
        let missed = streams.entry(event.aggregate().clone()).or_insert(Missed {
            least: sequence,
            most: sequence,
            receive_count: delivery.receive_count,
            first_received_at: delivery.first_received_at,
        });
        missed.least = missed.least.min(sequence);
        missed.most = missed.most.max(sequence);
        missed.receive_count = missed.receive_count.max(delivery.receive_count);
        missed.first_received_at = missed.first_received_at.min(delivery.first_received_at);
    }
    // What only waits for those comes with them.
    for (_, event) in those(is_held_back, deliveries, events, verdicts) {
        if let (Some(missed), Some(sequence)) = (streams.get_mut(event.aggregate()), event.metadata().sequence) {
            missed.most = missed.most.max(sequence);
        }
    }
    streams
}

fn those<'a>(
    are: impl Fn(&Verdict) -> bool,
    deliveries: &'a [Delivery],
    events: &'a [Option<&'a Event>],
    verdicts: &[Verdict],
) -> impl Iterator<Item = (&'a Delivery, &'a Event)> {
    let all = deliveries.iter().zip(events).zip(verdicts);
    all.filter(move |(_, verdict)| are(verdict))
        .filter_map(|((delivery, event), _)| Some((delivery, (*event)?)))
}

fn replace(events: &[Option<&Event>], verdicts: &mut [Verdict], caught_up: &HashMap<EventId, Verdict>) {
    for (event, verdict) in events.iter().zip(verdicts) {
        let told = event.and_then(|event| caught_up.get(&event.id()));
        if let Some(told) = told
            && (is_gap(verdict) || is_held_back(verdict))
        {
            *verdict = told.clone();
        }
    }
}

/// What a view has missed is not an event in the store either, so waiting for it is of no use.
fn park_gaps(stream: &Aggregate, error: &StoreError, events: &[Option<&Event>], verdicts: &mut [Verdict]) {
    for (event, verdict) in events.iter().zip(verdicts) {
        if event.is_some_and(|event| event.aggregate() == stream) && is_gap(verdict) {
            *verdict = Verdict::Park {
                reason: ParkReason::SequenceGap,
                error: format!("{error}: correct the row, then redrive this message or rebuild the view"),
            };
        }
    }
}

fn is_gap(verdict: &Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Retry {
            reason: RetryReason::SequenceGap,
            ..
        } | Verdict::Park {
            reason: ParkReason::SequenceGap,
            ..
        }
    )
}

fn is_held_back(verdict: &Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Retry {
            reason: RetryReason::HeldBack,
            ..
        }
    )
}

fn as_delivery(event: &Event, missed: Missed) -> Delivery {
    Delivery {
        message_id: event.id().to_string(),
        body: event.to_json(),
        receive_count: missed.receive_count,
        first_received_at: missed.first_received_at,
        ..Delivery::default()
    }
}

fn error_of(error: &StoreError) -> String {
    use std::error::Error;
    error.source().map(ToString::to_string).unwrap_or_default()
}
