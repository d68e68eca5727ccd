use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use onecommit_engine::{Metrics, Tally};

/// Counts what a worker does beside the engine.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    reaches_queue: AtomicBool,
    is_draining: AtomicBool,
    received: AtomicU64,
    receive_failures: AtomicU64,
    deleted: AtomicU64,
    delete_failures: AtomicU64,
    extended: AtomicU64,
}

/// A worker's own numbers, from its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Messages received.
    pub received: u64,
    /// Receive requests that failed.
    pub receive_failures: u64,
    /// Messages deleted.
    pub deleted: u64,
    /// Messages that could not be deleted; they come back and are absorbed.
    pub delete_failures: u64,
    /// Times the visibility of a message was extended because its handler was slow.
    pub extended: u64,
}

impl Counters {
    pub(crate) fn is_ready(&self) -> bool {
        self.reaches_queue.load(Ordering::Relaxed) && !self.is_draining()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }

    pub(crate) fn numbers(&self) -> Numbers {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Numbers {
            received: read(&self.received),
            receive_failures: read(&self.receive_failures),
            deleted: read(&self.deleted),
            delete_failures: read(&self.delete_failures),
            extended: read(&self.extended),
        }
    }

    pub(crate) fn received(&self, count: usize) {
        self.received.fetch_add(count as u64, Ordering::Relaxed);
        self.reaches_queue.store(true, Ordering::Relaxed);
    }

    pub(crate) fn receive_failed(&self) {
        self.receive_failures.fetch_add(1, Ordering::Relaxed);
        self.reaches_queue.store(false, Ordering::Relaxed);
    }

    pub(crate) fn deleted(&self) {
        self.deleted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn delete_failed(&self) {
        self.delete_failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn extended(&self) {
        self.extended.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }
}

/// What the engine counted, for two readers: one wants what is new since it last asked, the other everything.
#[derive(Debug, Default)]
pub(crate) struct Totals(Mutex<Both>);

#[derive(Debug, Default)]
struct Both {
    since_start: Tally,
    unreported: Tally,
}

impl Totals {
    /// Everything from the start on, without single times.
    pub(crate) fn since_start(&self, metrics: &Metrics) -> Tally {
        self.catch_up(metrics).since_start.clone()
    }

    /// What nobody has reported yet.
    pub(crate) fn unreported(&self, metrics: &Metrics) -> Tally {
        std::mem::take(&mut self.catch_up(metrics).unreported)
    }

    fn catch_up(&self, metrics: &Metrics) -> MutexGuard<'_, Both> {
        let mut both = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let news = metrics.take();
        both.since_start.add(news.clone().request_times(Vec::new()));
        both.unreported.add(news);
        both
    }
}
