use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use super::instance::{Health, Instance};

/// An instance with what calls have shown of it, which outlasts the registry's answers.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) instance: Instance,
    pub(super) calls: Arc<AtomicU32>,
    pub(super) record: Record,
}

/// What calls have shown of an instance.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) failures_in_row: u32,
    pub(super) successes: u32,
    pub(super) failures: u32,
    pub(super) ejected_until: Option<Instant>,
    /// How often it was left out; falls by one in each interval in which it was not.
    pub(super) ejections: u32,
}

impl Member {
    pub(super) fn new(instance: Instance) -> Self {
        Self {
            instance,
            calls: Arc::default(),
            record: Record::default(),
        }
    }

    pub(super) fn is_ejected(&self, now: Instant) -> bool {
        self.record.ejected_until.is_some_and(|until| now < until)
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.instance.health != Health::Unhealthy
    }

    /// Calls under way.
    pub(super) fn load(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }
}
