use std::sync::Arc;

use onecommit_engine::Tally;

use crate::numbers::Numbers;
use crate::prometheus;
use crate::shared::Shared;

/// How a worker is doing.
#[derive(Clone)]
pub struct Monitor {
    shared: Arc<Shared>,
}

impl Monitor {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The consumer's name.
    #[must_use]
    pub fn consumer(&self) -> &str {
        self.shared.engine.name()
    }

    /// Whether it does its work: its last request for messages was answered, and it is not about to end.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.shared.counters.is_ready()
    }

    /// Whether it is about to end.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.shared.counters.is_draining()
    }

    /// Messages in flight: received, not yet settled.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.in_flight.count()
    }

    /// The worker's own numbers.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        self.shared.counters.numbers()
    }

    /// What the engine counted since the start, without single times.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.shared.totals.since_start(self.shared.engine.metrics())
    }

    /// All of it in the text format that Prometheus reads.
    #[must_use]
    pub fn to_prometheus(&self) -> String {
        prometheus::text(
            self.consumer(),
            self.in_flight(),
            self.is_ready(),
            &self.numbers(),
            &self.tally(),
        )
    }
}

/// Writes metrics now and then.
pub(crate) async fn report_regularly(shared: Arc<Shared>) {
    loop {
        shared
            .environment()
            .clock()
            .sleep(shared.settings.metrics_interval)
            .await;
        report(&shared);
    }
}

/// Writes spans that have ended, and what has not been reported yet; an idle worker writes nothing.
pub(crate) fn report(shared: &Shared) {
    if let Some(tracer) = shared.environment().tracer() {
        tracer.write();
    }
    let tally = shared.totals.unreported(shared.engine.metrics());
    if tally != Tally::default() {
        onecommit_telemetry::emit_tally(shared.engine.name(), &tally, shared.environment().clock().now());
    }
}
