use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use onecommit_commit::{
    DatabaseError, Deadline, Delivery, EventLog, ParkReason, ParkedMessage, PendingMarks, Query, Queue, Rows,
};
use onecommit_environment::{Environment, Timestamp};
use onecommit_event::Event;
use onecommit_mutants::{Mutant, is_on};
use onecommit_publish::{Blame, Publisher};
use tracing::{error, warn};

use crate::lane::{self, Due, Lane};
use crate::metrics::RelayTally;
use crate::record::{StreamRecord, version_in};
use crate::seen::Seen;
use crate::settings::RelaySettings;

/// Publishes the events of the events table.
pub struct Relay {
    pub(crate) log: EventLog,
    pub(crate) rows: Arc<dyn Rows>,
    pub(crate) environment: Environment,
    pub(crate) settings: RelaySettings,
    marks: Arc<dyn PendingMarks>,
    publisher: Publisher,
    dead_letters: Arc<dyn Queue>,
    seen: Seen,
    tally: Mutex<RelayTally>,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its event left, or was parked; or there is nothing to publish.
    Done,
    /// It shall come back, for this reason.
    Retry(String),
}

/// The streams a process remembers the progress of: a few MB.
const STREAMS_REMEMBERED: usize = 20_000;
/// Rows of a page when the relay looks back for the last event that left.
const LOOK_BACK_ROWS: u32 = 25;
/// Who parks.
const NAME: &str = "relay";

impl Relay {
    /// A relay from `log` to the publisher's destinations. `dead_letters` takes what can never be published.
    #[must_use]
    pub fn new<D: Rows + PendingMarks + 'static>(
        log: EventLog,
        database: &Arc<D>,
        publisher: Publisher,
        dead_letters: Arc<dyn Queue>,
        environment: Environment,
    ) -> Self {
        Self {
            log,
            rows: Arc::clone(database) as Arc<dyn Rows>,
            marks: Arc::clone(database) as Arc<dyn PendingMarks>,
            publisher,
            dead_letters,
            environment,
            settings: RelaySettings::default(),
            seen: Seen::of_at_most(STREAMS_REMEMBERED),
            tally: Mutex::default(),
        }
    }

    /// With other settings.
    #[must_use]
    pub fn with(mut self, settings: RelaySettings) -> Self {
        self.settings = settings;
        self
    }

    /// The clock and the randomness it works with.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// What it did since the last call.
    #[must_use]
    pub fn take_tally(&self) -> RelayTally {
        std::mem::take(&mut *self.tally())
    }

    /// Publishes the events of a batch of stream records and tells what became of each record, in their order.
    ///
    /// Records of other aggregates than a failing one are not held up by it. Those that are [`Outcome::Retry`] have to
    /// be handed in again, until they are done: a destination that is down is retried for as long as it is.
    pub async fn relay(&self, records: &[StreamRecord], deadline: Deadline) -> Vec<Outcome> {
        let lanes = self.publish_lanes(lane::of(records), deadline).await;
        let mut outcomes = vec![Outcome::Done; records.len()];
        for (due, why) in lanes.iter().flat_map(Lane::left_over) {
            if let Some(place) = due.record {
                outcomes[place] = Outcome::Retry(why.to_owned());
            }
        }
        outcomes
    }

    /// Publishes what is due, and gives back the lanes with what could not be.
    pub(crate) async fn publish_lanes(&self, lanes: Vec<Lane>, deadline: Deadline) -> Vec<Lane> {
        let mut lanes: Vec<Lane> = stream::iter(lanes)
            .map(|lane| self.complete(lane))
            .buffer_unordered(self.settings.concurrency.max(1))
            .collect()
            .await;
        let mut left: Vec<(usize, u64)> = Vec::new();
        if is_on(Mutant::MarksClearedFirst) {
            self.clear_marks(&lanes, &all_due(&lanes)).await;
        }
        loop {
            let round: Vec<usize> = (0..lanes.len()).filter(|place| lanes[*place].is_moving()).collect();
            if round.is_empty() {
                break;
            }
            if deadline.remaining(self.environment.clock()) < self.settings.time_to_settle {
                for place in round {
                    lanes[place].failed = Some("no time was left for it".to_owned());
                }
                break;
            }
            if is_on(Mutant::SeenBeforePublish) {
                for (place, version) in all_due(&lanes) {
                    self.seen.note(&lanes[place].stream, version);
                }
            }
            for (place, outcome) in self.publish_round(&lanes, &round).await {
                match outcome {
                    Ok(version) => {
                        lanes[place].due.pop_front();
                        self.seen.note(&lanes[place].stream, version);
                        left.push((place, version));
                    }
                    Err(why) if is_on(Mutant::NextLeavesThoughFailed) => lanes[place].set_first_aside(why),
                    Err(why) => lanes[place].failed = Some(why),
                }
            }
        }
        self.tally().held_back += lanes.iter().flat_map(Lane::left_over).count() as u64;
        self.clear_marks(&lanes, &left).await;
        lanes
    }

    /// Sends the first event of each lane of the round; tells which version left or was parked, or why it has to wait.
    async fn publish_round(&self, lanes: &[Lane], round: &[usize]) -> Vec<(usize, Result<u64, String>)> {
        let mut results = Vec::with_capacity(round.len());
        let mut open: Vec<(usize, &Due, &Event)> = Vec::with_capacity(round.len());
        for &place in round {
            let Some(due) = lanes[place].due.front() else { continue };
            match &due.event {
                Ok(event) => open.push((place, due, event)),
                Err(unreadable) => {
                    let id = format!("{}#{}", lanes[place].stream, due.version);
                    let parked = self
                        .park(id, unreadable.row.clone(), ParkReason::InvalidEvent, &unreadable.error)
                        .await;
                    results.push((place, parked.map(|()| due.version)));
                }
            }
        }
        let mut sending = 1;
        while !open.is_empty() {
            let events = open.iter().map(|(_, _, event)| (*event).clone()).collect();
            let reports = self.publisher.publish(events).await;
            let now = self.environment.clock().now();
            let mut refused = Vec::new();
            for ((place, due, event), report) in open.into_iter().zip(reports) {
                match report.blame() {
                    None => {
                        self.count_published(due, now);
                        results.push((place, Ok(due.version)));
                    }
                    Some(Blame::Passing | Blame::Destination) if is_on(Mutant::FailedCountsAsLeft) => {
                        results.push((place, Ok(due.version)));
                    }
                    Some(Blame::Passing | Blame::Destination) => results.push((place, Err(report.errors()))),
                    Some(Blame::Event) => refused.push((place, due, event, report.errors())),
                }
            }
            if is_on(Mutant::RefusedIsDropped) {
                results.extend(refused.into_iter().map(|(place, due, ..)| (place, Ok(due.version))));
                break;
            }
            if sending >= self.settings.refusals_max {
                for (place, due, event, why) in refused {
                    let (id, body) = (event.id().to_string(), event.to_json());
                    let parked = self.park(id, body, ParkReason::DestinationRefused, &why).await;
                    results.push((place, parked.map(|()| due.version)));
                }
                break;
            }
            sending += 1;
            open = refused
                .into_iter()
                .map(|(place, due, event, _)| (place, due, event))
                .collect();
        }
        results
    }

    /// The lane with all events of its stream that have to leave before those it has; what already left is taken out.
    async fn complete(&self, mut lane: Lane) -> Lane {
        let stream = lane.stream.clone();
        let known = self.seen.last(&stream);
        if let Some(left) = known {
            lane.due.retain(|due| due.version > left);
        }
        let Some(first) = lane.due.front().map(|due| due.version) else {
            return lane;
        };
        let left = match known {
            Some(left) => Ok(left),
            None if first == 1 || !self.log.tracks_pending() => Ok(first - 1),
            None if is_on(Mutant::RestartAssumesAllLeft) => Ok(first - 1),
            None => self.last_that_left(&stream, first).await,
        };
        let mut left = match left {
            Ok(left) => left,
            Err(error) => {
                lane.failed = Some(describe(&error));
                return lane;
            }
        };
        for next in std::mem::take(&mut lane.due) {
            if let Some((waiting, _)) = &mut lane.waiting {
                waiting.push(next);
                continue;
            }
            if next.version > left + 1 && !is_on(Mutant::PredecessorsNotLookedFor) {
                match self.between(&stream, left, &next).await {
                    Ok(missing) => lane.due.extend(missing),
                    Err(why) => {
                        lane.waiting = Some((vec![next], why));
                        continue;
                    }
                }
            }
            left = next.version;
            lane.due.push_back(next);
        }
        lane
    }

    /// The newest version before `version` that carries no mark any more; 0 when all do.
    async fn last_that_left(&self, stream: &str, version: u64) -> Result<u64, DatabaseError> {
        let backward = self
            .log
            .table()
            .query("stream", stream)
            .between("version", 1, version - 1);
        let mut next: Option<Query> = Some(backward.backward().rows_max(1));
        while let Some(query) = next {
            let page = self.rows.query(&query).await?;
            for row in &page.rows {
                if !EventLog::is_pending(row) {
                    return Ok(version_in(row).unwrap_or(0));
                }
            }
            next = page.next.map(|query| query.rows_max(LOOK_BACK_ROWS));
        }
        Ok(0)
    }

    /// What has to leave between `left`, which did, and `next`, which is due; or why that has to be waited for.
    async fn between(&self, stream: &str, left: u64, next: &Due) -> Result<Vec<Due>, String> {
        let now = self.environment.clock().now();
        let range = self.log.table().query("stream", stream);
        let (mut missing, mut expected) = (Vec::new(), left + 1);
        let mut absent = Vec::new();
        let mut page = Some(range.between("version", left + 1, next.version - 1));
        while let Some(query) = page {
            let found = self.rows.query(&query).await.map_err(|error| describe(&error))?;
            for row in &found.rows {
                let Some(due) = Due::from_table(row, now) else { continue };
                absent.extend(expected..due.version);
                expected = due.version + 1;
                if EventLog::is_pending(row) || !self.log.tracks_pending() {
                    missing.push(due);
                }
            }
            page = found.next;
        }
        absent.extend(expected..next.version);
        if let Some(version) = absent.first() {
            if age(next.written_at, now) < self.settings.gap_patience {
                return Err(format!(
                    "version {version} of {stream} comes first, and is not there yet"
                ));
            }
            error!(stream, versions = ?absent, next = next.version, "versions are missing; what follows leaves without them");
            self.tally().gaps_passed += absent.len() as u64;
        }
        self.tally().fetched += missing.len() as u64;
        Ok(missing)
    }

    async fn park(&self, id: String, body: String, reason: ParkReason, why: &str) -> Result<(), String> {
        let delivery = Delivery {
            message_id: id,
            body,
            ..Delivery::default()
        };
        let message = ParkedMessage {
            delivery: &delivery,
            reason,
            error: why,
            consumer: NAME,
            parked_at: self.environment.clock().now().to_string(),
        };
        match self.dead_letters.park(&[message]).await.pop() {
            Some(Ok(())) => {
                warn!(event.id = %delivery.message_id, reason = reason.as_str(), error = why, "parked");
                self.tally().parked += 1;
                Ok(())
            }
            Some(Err(_)) if is_on(Mutant::UnparkedCountsAsLeft) => Ok(()),
            Some(Err(error)) => Err(format!("{why}; and it could not be parked: {error}")),
            None => Err(format!("{why}; and the dead-letter queue said nothing")),
        }
    }

    pub(crate) async fn clear_marks(&self, lanes: &[Lane], left: &[(usize, u64)]) {
        if left.is_empty() || !self.log.tracks_pending() {
            return;
        }
        let left: Vec<(&str, u64)> = left
            .iter()
            .map(|(place, version)| (lanes[*place].stream.as_str(), *version))
            .collect();
        if let Err(error) = self.marks.clear(&self.log, &left).await {
            warn!(
                error = describe(&error),
                events = left.len(),
                "marks of events that left stay; those leave again"
            );
        }
    }

    fn count_published(&self, due: &Due, now: Timestamp) {
        let mut tally = self.tally();
        tally.published += 1;
        tally.lag(age(due.written_at, now));
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, RelayTally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of mutants: all that is due in these lanes, by the lane's place and the version.
pub(crate) fn all_due(lanes: &[Lane]) -> Vec<(usize, u64)> {
    let due = |(place, lane): (usize, &Lane)| lane.due.iter().map(move |due| (place, due.version)).collect::<Vec<_>>();
    lanes.iter().enumerate().flat_map(due).collect()
}

fn describe(error: &DatabaseError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// 0 when the clock ran backwards.
pub(crate) fn age(written_at: Timestamp, now: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(now.unix_ms() - written_at.unix_ms()).unwrap_or(0))
}
