use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::verdict::{ParkReason, RetryReason, Verdict};

/// What happened since the last look.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Tally {
    /// Messages whose commit succeeded.
    pub handled: u64,
    /// Messages that had been handled before.
    pub duplicates: u64,
    /// Messages of types without a handler.
    pub ignored: u64,
    /// Messages parked, by reason.
    pub parked: BTreeMap<ParkReason, u64>,
    /// Messages to be redelivered, by reason.
    pub retries: BTreeMap<RetryReason, u64>,
    /// Messages that could not be parked; they are redelivered.
    pub not_parked: u64,
    /// Times a handler ran again because its commit's conditions failed.
    pub reruns: u64,
    /// Requests to the database.
    pub requests: u64,
    /// How long each of them took.
    pub request_times: Vec<Duration>,
    /// How long messages waited in their batch before their handler started.
    pub lane_waits: Vec<Duration>,
}

onecommit_environment::setters!(Tally {
    handled: u64,
    duplicates: u64,
    ignored: u64,
    parked: BTreeMap<ParkReason, u64>,
    retries: BTreeMap<RetryReason, u64>,
    not_parked: u64,
    reruns: u64,
    requests: u64,
    request_times: Vec<Duration>,
    lane_waits: Vec<Duration>,
});

impl Tally {
    /// Counts in what another tally counted.
    pub fn add(&mut self, other: Self) {
        let Self {
            handled,
            duplicates,
            ignored,
            parked,
            retries,
            not_parked,
            reruns,
            requests,
            request_times,
            lane_waits,
        } = other;
        self.handled += handled;
        self.duplicates += duplicates;
        self.ignored += ignored;
        for (reason, count) in parked {
            *self.parked.entry(reason).or_default() += count;
        }
        for (reason, count) in retries {
            *self.retries.entry(reason).or_default() += count;
        }
        self.not_parked += not_parked;
        self.reruns += reruns;
        self.requests += requests;
        fill_up(&mut self.request_times, request_times);
        fill_up(&mut self.lane_waits, lane_waits);
    }

    /// All messages parked.
    #[must_use]
    pub fn parked_total(&self) -> u64 {
        self.parked.values().sum()
    }

    /// All messages to be redelivered.
    #[must_use]
    pub fn retries_total(&self) -> u64 {
        self.retries.values().sum()
    }
}

/// The counters of a consumer, shared by everything that works for it.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Tally>);

/// CloudWatch takes at most 100 values of a metric in one log line.
const TIMES_MAX: usize = 100;

fn fill_up(times: &mut Vec<Duration>, more: Vec<Duration>) {
    let room = TIMES_MAX.saturating_sub(times.len());
    times.extend(more.into_iter().take(room));
}

impl Metrics {
    /// What happened since the last call.
    #[must_use]
    pub fn take(&self) -> Tally {
        std::mem::take(&mut *self.lock())
    }

    pub(crate) fn verdict(&self, verdict: &Verdict) {
        let mut tally = self.lock();
        match verdict {
            Verdict::Done => tally.handled += 1,
            Verdict::Duplicate => tally.duplicates += 1,
            Verdict::Ignored => tally.ignored += 1,
            Verdict::Park { reason, .. } => *tally.parked.entry(*reason).or_default() += 1,
            Verdict::Retry { reason, .. } => *tally.retries.entry(*reason).or_default() += 1,
        }
    }

    pub(crate) fn not_parked(&self, count: u64) {
        if count > 0 {
            self.lock().not_parked += count;
        }
    }

    pub(crate) fn rerun(&self) {
        self.lock().reruns += 1;
    }

    pub(crate) fn request(&self, took: Duration) {
        let mut tally = self.lock();
        tally.requests += 1;
        if tally.request_times.len() < TIMES_MAX {
            tally.request_times.push(took);
        }
    }

    pub(crate) fn lane_wait(&self, waited: Duration) {
        let mut tally = self.lock();
        if tally.lane_waits.len() < TIMES_MAX {
            tally.lane_waits.push(waited);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
