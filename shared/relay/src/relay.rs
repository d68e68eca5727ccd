use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{self, StreamExt};
use onecommit_engine::{Cancellation, DatabaseError, Deadline, EventLog, PendingMarks, Queue, Tables, Update, Write};
use onecommit_environment::{Environment, Timestamp};
use onecommit_event::EventId;
use onecommit_publish::{Published, Publisher};
use tracing::warn;

use crate::lane::{self, End, Lane, Progress, Step, Tries};
use crate::metrics::RelayTally;
use crate::pause::Pause;
use crate::recent::Recent;
use crate::record::StreamRecord;
use crate::settings::RelaySettings;

/// Publishes the events of the events table.
pub struct Relay {
    pub(crate) log: EventLog,
    pub(crate) tables: Arc<dyn Tables>,
    pub(crate) environment: Environment,
    pub(crate) settings: RelaySettings,
    pub(crate) publisher: Publisher,
    pub(crate) dead_letters: Arc<dyn Queue>,
    /// The versions of each stream that left.
    pub(crate) seen: Recent<String, Progress>,
    /// Of events that some destinations took and others did not: which. Those are not sent there again.
    pub(crate) partly: Recent<EventId, Published>,
    pub(crate) pause: Pause,
    marks: Arc<dyn PendingMarks>,
    tally: Mutex<RelayTally>,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its event left, or was parked; or there is nothing to publish.
    Done,
    /// It has to be handed in again, for this reason.
    Retry(String),
    /// It is stepped over, for this reason, so that the records after it are not held back: its mark stays in the table,
    /// and [`Relay::recover`] tries it again.
    SteppedOver(String),
}

/// The streams a process remembers the progress of: a few MB.
const STREAMS_REMEMBERED: usize = 20_000;
/// The events of which a process remembers who took them, as long as somebody did not.
const PARTLY_TAKEN_REMEMBERED: usize = 10_000;
/// Aggregates that are tried while a destination takes nothing: one request.
const PROBE: usize = 10;
/// Marks that one request clears.
const MARKS_OF_A_REQUEST: usize = 25;
/// So much progress at most is lost in a crash.
const MARKS_WAIT_MAX: Duration = Duration::from_secs(1);

impl Relay {
    /// A relay from `log` to the publisher's destinations. `dead_letters` takes what can never be published.
    #[must_use]
    pub fn new<D: Tables + PendingMarks + 'static>(
        tables: Arc<D>,
        log: EventLog,
        publisher: Publisher,
        dead_letters: Arc<dyn Queue>,
        environment: Environment,
    ) -> Self {
        Self {
            log,
            marks: Arc::<D>::clone(&tables),
            tables,
            publisher,
            dead_letters,
            environment,
            settings: RelaySettings::default(),
            seen: Recent::of_at_most(STREAMS_REMEMBERED),
            partly: Recent::of_at_most(PARTLY_TAKEN_REMEMBERED),
            pause: Pause::default(),
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

    /// Publishes the events of a batch of stream records and reports what became of each record, in their order.
    ///
    /// Records of other aggregates than a failing one are not held up by it. Those that are [`Outcome::Retry`] have to
    /// be handed in again, until they are done: a destination that is down is retried for as long as it is, and waited
    /// for within the time there is.
    pub async fn relay(&self, records: &[StreamRecord], deadline: Deadline) -> Vec<Outcome> {
        let lanes = self
            .publish_lanes(lane::of(records), self.settings.tries_max, deadline)
            .await;
        let mut outcomes = vec![Outcome::Done; records.len()];
        for (due, end) in lanes.iter().flat_map(Lane::left_over) {
            if let Some(place) = due.record {
                outcomes[place] = match end {
                    End::Held(why) => Outcome::Retry(why),
                    End::SteppedOver(why) => Outcome::SteppedOver(why),
                };
            }
        }
        outcomes
    }

    /// Publishes what is due, and gives back the lanes with what could not be.
    pub(crate) async fn publish_lanes(&self, lanes: Vec<Lane>, tries_max: u32, deadline: Deadline) -> Vec<Lane> {
        let mut lanes = self.read_rows(lanes, deadline).await;
        let mut left = Left::default();
        while lanes.iter().any(Lane::is_moving) {
            let time = self.time_for_a_round(deadline);
            if time.is_zero() {
                end_all(&mut lanes, "no time was left for it");
                break;
            }
            let (lacking, others) = lanes.into_iter().partition(Lane::needs_rows);
            lanes = others;
            lanes.extend(self.read_rows(lacking, deadline).await);
            let round = self.next_round(&lanes);
            if round.is_empty() {
                self.wait_for_next_round(&mut lanes, deadline).await;
                continue;
            }
            for (place, step) in self.publish_round(&lanes, &round, time).await {
                self.take_step(&mut lanes[place], step, tries_max, &mut left);
            }
            if left.is_worth_clearing(self.environment.clock().instant()) {
                self.clear_marks(&mut left, deadline).await;
            }
        }
        self.clear_marks(&mut left, deadline).await;
        self.step_over(&mut lanes, deadline).await;
        lanes
    }

    /// Reads what each lane needs next, side by side.
    async fn read_rows(&self, lanes: Vec<Lane>, deadline: Deadline) -> Vec<Lane> {
        let time = self.time_left(deadline);
        // Boxed: as futures that borrow they would not be `Send` enough for every executor.
        let reading: Vec<BoxFuture<'_, Lane>> = lanes
            .into_iter()
            .map(|lane| self.read_rows_of(lane, time).boxed())
            .collect();
        stream::iter(reading)
            .buffer_unordered(self.settings.concurrency.max(1))
            .collect()
            .await
    }

    async fn read_rows_of(&self, mut lane: Lane, time: Duration) -> Lane {
        let answered = self.environment.within(time, self.read_next(&mut lane)).await;
        if answered.is_none() {
            lane.end = Some(End::Held("the table did not answer in time".to_owned()));
        }
        lane
    }

    async fn read_next(&self, lane: &mut Lane) {
        match lane.is_started {
            true => self.fill(lane).await,
            false => self.start(lane).await,
        }
    }

    /// The lanes whose first event may be sent now. While a destination takes nothing, a few: those that were tried least.
    fn next_round(&self, lanes: &[Lane]) -> Vec<usize> {
        let now = self.environment.clock().instant();
        if !self.pause.left(now).is_zero() {
            return Vec::new();
        }
        let is_ready = |lane: &Lane| lane.is_moving() && lane.ready().is_some() && lane.wait(now).is_zero();
        let mut round: Vec<usize> = (0..lanes.len()).filter(|place| is_ready(&lanes[*place])).collect();
        if self.pause.is_on() {
            round.sort_by_key(|place| lanes[*place].tries.down);
            round.truncate(PROBE);
        }
        round
    }

    /// Waits until something may be sent, or ends what cannot be any more.
    async fn wait_for_next_round(&self, lanes: &mut [Lane], deadline: Deadline) {
        let now = self.environment.clock().instant();
        let ready = lanes.iter().filter(|lane| lane.is_moving() && lane.ready().is_some());
        let Some(wait) = ready.map(|lane| lane.wait(now)).min() else {
            // The others were filled, and need more rows.
            return;
        };
        let wait = wait.max(self.pause.left(now));
        if wait >= self.time_left(deadline) {
            end_all(lanes, "no time was left for it");
        } else {
            self.environment.clock().sleep(wait).await;
        }
    }

    fn take_step(&self, lane: &mut Lane, step: Step, tries_max: u32, left: &mut Left) {
        let Some(due) = lane.ready() else { return };
        let (version, is_marked, is_stuck) = (due.version, due.is_marked, due.is_stuck);
        // What was stepped over before gets one chance, with those after it waiting.
        let tries_max = if is_stuck { 1 } else { tries_max.max(1) };
        let now = self.environment.clock().instant();
        let Tries {
            down,
            failures,
            refusals,
            refused,
            not_before,
        } = &mut lane.tries;
        let mut put_off = |times: u32| {
            let wait = self.settings.backoff.after(times, self.environment.random());
            *not_before = Some(now + wait);
        };
        match step {
            Step::Left => {
                lane.pass_first();
                let known = self.seen.get(&lane.stream);
                let progress = known.map_or(Progress::of(version), |known| known.and(version));
                self.seen.note(lane.stream.clone(), progress);
                if is_marked {
                    left.note(lane.stream.clone(), version, now);
                }
            }
            Step::Refused(why) => {
                *refusals += 1;
                if *refusals >= self.settings.refusals_max {
                    *refused = Some(why);
                } else {
                    put_off(*refusals);
                }
            }
            Step::Down(why) => {
                *down += 1;
                if *down >= tries_max {
                    lane.end = Some(End::Held(why));
                }
            }
            Step::Failed(why) => {
                *failures += 1;
                if *failures < tries_max {
                    put_off(*failures);
                } else {
                    lane.end = Some(End::SteppedOver(why));
                }
            }
        }
    }

    pub(crate) async fn clear_marks(&self, left: &mut Left, deadline: Deadline) {
        let Left { marks: left, .. } = std::mem::take(left);
        if left.is_empty() {
            return;
        }
        let events: Vec<(&str, u64)> = left
            .iter()
            .map(|(stream, version)| (stream.as_str(), *version))
            .collect();
        let remaining = deadline.remaining(self.environment.clock());
        let cleared = self.environment.within(remaining, self.marks.clear(&self.log, &events));
        let problem = match cleared.await {
            Some(Ok(())) => return,
            Some(Err(error)) => describe(&error),
            None => "the table did not answer in time".to_owned(),
        };
        warn!(
            error = problem,
            events = events.len(),
            "marks of published events could not be cleared; the recovery will publish those events again"
        );
    }

    /// Marks what is stepped over, so that recoveries and operators find it.
    async fn step_over(&self, lanes: &mut [Lane], deadline: Deadline) {
        // Boxed: as futures that borrow they would not be `Send` enough for every executor.
        let marking: Vec<BoxFuture<'_, ()>> = lanes
            .iter_mut()
            .filter(|lane| matches!(lane.end, Some(End::SteppedOver(_))))
            .map(|lane| self.step_over_in(lane, deadline).boxed())
            .collect();
        stream::iter(marking)
            .buffer_unordered(self.settings.concurrency.max(1))
            .collect::<()>()
            .await;
        let held = |(_, end): &(_, End)| matches!(end, End::Held(_));
        self.tally().held_back += lanes.iter().flat_map(Lane::left_over).filter(held).count() as u64;
    }

    /// The first event of the lane is stuck. Those after it wait, and are found by the marks they were appended with.
    /// Without such marks nothing would find them, so each gets the mark of what is stuck; until all of them have it, the
    /// stream of the table has to tell of them again.
    async fn step_over_in(&self, lane: &mut Lane, deadline: Deadline) {
        let (Some(End::SteppedOver(why)), Some(first)) = (&lane.end, lane.due.front()) else {
            return;
        };
        warn!(
            stream = lane.stream,
            version = first.version,
            error = why,
            "event is stuck, and later events of its stream wait; the recovery will try it again"
        );
        self.tally().stuck += 1;
        if first.is_marked && !first.is_stuck {
            let mark = self.log.mark_stuck(&lane.stream, first.version);
            if let Err(error) = self.mark(mark, deadline).await {
                warn!(
                    error,
                    "stuck event could not be marked; the recovery will find it by its age"
                );
            }
        }
        for due in lane.due.iter().filter(|due| !due.is_marked) {
            let mark = self.log.mark_unmarked_as_stuck(&lane.stream, due.version);
            if let Err(error) = self.mark(mark, deadline).await {
                lane.end = Some(End::Held(format!("it is stuck, and could not be marked: {error}")));
                return;
            }
        }
    }

    async fn mark(&self, mark: Update, deadline: Deadline) -> Result<(), String> {
        let write = Write::from(mark);
        let remaining = deadline.remaining(self.environment.clock());
        let written = self.environment.within(remaining, self.tables.write(&write));
        match written.await {
            // Its row is gone, or it left meanwhile.
            Some(Ok(())) => Ok(()),
            Some(Err(error)) if is_refused(&error) => Ok(()),
            Some(Err(error)) => Err(describe(&error)),
            None => Err("the table did not answer in time".to_owned()),
        }
    }

    /// How long work may take until everything has to be settled.
    pub(crate) fn time_left(&self, deadline: Deadline) -> Duration {
        let remaining = deadline.remaining(self.environment.clock());
        remaining.saturating_sub(self.settings.time_to_settle)
    }

    fn time_for_a_round(&self, deadline: Deadline) -> Duration {
        self.time_left(deadline).min(self.settings.round_time_max)
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, RelayTally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Events that left and still carry their mark, by stream and version.
#[derive(Debug, Default)]
pub(crate) struct Left {
    pub(crate) marks: Vec<(String, u64)>,
    /// When the first of them left.
    since: Option<Instant>,
}

impl Left {
    fn note(&mut self, stream: String, version: u64, now: Instant) {
        self.since.get_or_insert(now);
        self.marks.push((stream, version));
    }

    /// Whether a crash would now lose more progress than a request costs.
    fn is_worth_clearing(&self, now: Instant) -> bool {
        let is_old = |since: Instant| now.saturating_duration_since(since) >= MARKS_WAIT_MAX;
        self.marks.len() >= MARKS_OF_A_REQUEST || self.since.is_some_and(is_old)
    }
}

fn end_all(lanes: &mut [Lane], why: &str) {
    for lane in lanes.iter_mut().filter(|lane| lane.is_moving()) {
        lane.end = Some(End::Held(why.to_owned()));
    }
}

/// Whether the condition of a single write did not hold.
fn is_refused(error: &DatabaseError) -> bool {
    matches!(error, DatabaseError::Cancelled(reasons) if matches!(&reasons[..], [Cancellation::ConditionFailed(_)]))
}

pub(crate) fn describe(error: &DatabaseError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// 0 when the clock ran backwards.
pub(crate) fn age(written_at: Timestamp, now: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(now.unix_ms() - written_at.unix_ms()).unwrap_or(0))
}
