//! One round of publishing: the first event of some lanes, once to every destination that has not taken it.

use std::collections::BTreeMap;
use std::time::Duration;

use onecommit_engine::{Delivery, ParkReason, ParkedMessage};
use onecommit_environment::Timestamp;
use onecommit_event::Event;
use onecommit_publish::{FailureKind, Published};
use tracing::warn;

use crate::lane::{Due, Lane, Step, Unreadable};
use crate::relay::{Relay, age};

/// Who parks.
const NAME: &str = "relay";

/// An event that is to be parked.
struct Parting {
    place: usize,
    delivery: Delivery,
    reason: ParkReason,
    why: String,
}

/// An event that is to be sent.
struct Sending {
    place: usize,
    event: Event,
    written_at: Timestamp,
    /// What became of it before, when some destinations took it.
    earlier: Option<Published>,
}

impl Relay {
    /// Tries the first event of each lane of the round.
    pub(crate) async fn publish_round(&self, lanes: &[Lane], round: &[usize], limit: Duration) -> Vec<(usize, Step)> {
        let (partings, sending) = self.prepare(lanes, round);
        let mut steps = self.park(partings, limit).await;
        steps.extend(self.send(sending, limit).await);
        steps
    }

    fn prepare(&self, lanes: &[Lane], round: &[usize]) -> (Vec<Parting>, Vec<Sending>) {
        let (mut partings, mut sending) = (Vec::new(), Vec::new());
        for &place in round {
            let lane = &lanes[place];
            let Some(due) = lane.ready() else { continue };
            match (&due.event, &lane.tries.refused) {
                (Err(unreadable), _) => partings.push(Parting::of_row(place, lane, due, unreadable)),
                (Ok(event), Some(why)) => partings.push(Parting::of_event(place, event, why)),
                (Ok(event), None) => sending.push(Sending {
                    place,
                    event: event.clone(),
                    written_at: due.written_at,
                    earlier: self.partly.get(&event.id()),
                }),
            }
        }
        (partings, sending)
    }

    async fn send(&self, sending: Vec<Sending>, limit: Duration) -> Vec<(usize, Step)> {
        if sending.is_empty() {
            return Vec::new();
        }
        let events: Vec<(Event, Option<Published>)> = sending
            .iter()
            .map(|sending| (sending.event.clone(), sending.earlier.clone()))
            .collect();
        let reports = self.publisher.attempt(events, limit).await;
        let down = which_are_down(&sending, &reports);
        if down.contains(&true) {
            self.pause.prolong(self.settings.pause, &self.environment);
        } else {
            self.pause.end();
        }
        let gone = which_are_gone(&reports);
        self.tally().destinations_gone += gone.len() as u64;
        for (destination, error) in gone {
            warn!(
                destination,
                error, "destination is gone, or closed to the relay; events wait until it is there again"
            );
        }
        let now = self.environment.clock().now();
        let steps = sending.into_iter().zip(reports).map(|(sending, report)| {
            let (place, step) = (sending.place, step_of(&report, &down));
            self.note(sending, report, now);
            (place, step)
        });
        steps.collect()
    }

    /// Remembers who took the event, as long as somebody did not.
    fn note(&self, sending: Sending, report: Published, now: Timestamp) {
        if report.everywhere() {
            let mut tally = self.tally();
            tally.published += 1;
            tally.lag(age(sending.written_at, now));
            if sending.earlier.is_some() {
                self.partly.forget(&sending.event.id());
            }
        } else if report.anywhere() {
            self.partly.note(sending.event.id(), report);
        }
    }

    /// Parks these; what cannot be is tried again.
    async fn park(&self, partings: Vec<Parting>, limit: Duration) -> Vec<(usize, Step)> {
        if partings.is_empty() {
            return Vec::new();
        }
        let parked_at = self.environment.clock().now().to_string();
        let messages: Vec<ParkedMessage<'_>> = partings
            .iter()
            .map(|parting| ParkedMessage {
                delivery: &parting.delivery,
                reason: parting.reason,
                error: &parting.why,
                consumer: NAME,
                parked_at: parked_at.clone(),
            })
            .collect();
        let answers = self.environment.within(limit, self.dead_letters.park(&messages)).await;
        let mut answers = answers.unwrap_or_default().into_iter();
        let step = |parting: &Parting| {
            let why = &parting.why;
            match answers.next() {
                Some(Ok(())) => {
                    let (id, reason) = (&parting.delivery.message_id, parting.reason.as_str());
                    warn!(event.id = %id, reason, error = why, "event was parked");
                    self.tally().parked += 1;
                    Step::Left
                }
                Some(Err(error)) => Step::Failed(format!("{why}; and it could not be parked: {error}")),
                None => Step::Failed(format!("{why}; and the dead-letter queue did not answer")),
            }
        };
        let steps: Vec<Step> = partings.iter().map(step).collect();
        partings.iter().map(|parting| parting.place).zip(steps).collect()
    }
}

impl Parting {
    fn of_row(place: usize, lane: &Lane, due: &Due, unreadable: &Unreadable) -> Self {
        let id = format!("{}#{}", lane.stream, due.version);
        let Unreadable { row, error } = unreadable;
        Self::of(place, id, row.clone(), ParkReason::InvalidEvent, error)
    }

    fn of_event(place: usize, event: &Event, why: &str) -> Self {
        let (id, body) = (event.id().to_string(), event.to_json());
        Self::of(place, id, body, ParkReason::DestinationRefused, why)
    }

    fn of(place: usize, message_id: String, body: String, reason: ParkReason, why: &str) -> Self {
        Self {
            place,
            delivery: Delivery {
                message_id,
                body,
                ..Delivery::default()
            },
            reason,
            why: why.to_owned(),
        }
    }
}

/// For each destination, whether it took nothing of what it was sent, and none of that was refused because of the event.
fn which_are_down(sending: &[Sending], reports: &[Published]) -> Vec<bool> {
    let destinations = reports.first().map_or(0, |report| report.destinations.len());
    let is_down = |destination: usize| {
        let had_it = |sending: &Sending| {
            let earlier = sending.earlier.as_ref();
            earlier.is_some_and(|report| report.destinations[destination].message_id.is_some())
        };
        let sent = sending.iter().zip(reports).filter(|(sending, _)| !had_it(sending));
        let mut blames = sent
            .map(|(_, report)| report.destinations[destination].blame)
            .peekable();
        blames.peek().is_some()
            && blames.all(|blame| matches!(blame, Some(FailureKind::Passing | FailureKind::Destination)))
    };
    (0..destinations).map(is_down).collect()
}

/// The destinations that said so of themselves, not of an event, and what they said.
fn which_are_gone(reports: &[Published]) -> BTreeMap<&'static str, String> {
    let delivered = reports.iter().flat_map(|report| &report.destinations);
    let gone = delivered.filter(|delivered| delivered.blame == Some(FailureKind::Destination));
    gone.map(|delivered| (delivered.destination, delivered.error.clone().unwrap_or_default()))
        .collect()
}

fn step_of(report: &Published, down: &[bool]) -> Step {
    let lacking = report.destinations.iter().zip(down);
    let mut lacking = lacking.filter(|(delivered, _)| delivered.message_id.is_none());
    match report.blame() {
        None => Step::Left,
        Some(FailureKind::Event) => Step::Refused(report.errors()),
        Some(_) if lacking.any(|(_, is_down)| *is_down) => Step::Down(report.errors()),
        Some(_) => Step::Failed(report.errors()),
    }
}
