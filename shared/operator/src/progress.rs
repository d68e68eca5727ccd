use std::io::Write;
use std::time::{Duration, Instant};

use onecommit_environment::Environment;

/// How often it is told how far the work is.
const TOLD_EVERY: Duration = Duration::from_secs(2);

/// Tells how far long work is; nothing of work that is done in a moment.
pub(crate) struct Progress<'a> {
    environment: &'a Environment,
    notes: &'a mut dyn Write,
    told: Instant,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(environment: &'a Environment, notes: &'a mut dyn Write) -> Self {
        Self {
            environment,
            notes,
            told: environment.clock().instant(),
        }
    }

    /// Tells it, unless it was told a moment ago.
    pub(crate) fn tell(&mut self, how_far: impl FnOnce() -> String) {
        let now = self.environment.clock().instant();
        if now.duration_since(self.told) >= TOLD_EVERY {
            self.tell_now(&how_far());
        }
    }

    /// Tells it in any case.
    pub(crate) fn tell_now(&mut self, how_far: &str) {
        self.told = self.environment.clock().instant();
        // Work goes on, whether or not anybody can be told of it.
        let _ = writeln!(self.notes, "{how_far}");
    }
}
