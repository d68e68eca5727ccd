use std::fmt;

use onecommit_environment::Environment;
use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::IdGenerator;

/// Ids of traces and spans from the randomness of an environment.
pub(super) struct EnvironmentIds(pub(super) Environment);

impl EnvironmentIds {
    /// Not zero, which is the id of nothing.
    fn bits(&self) -> u64 {
        loop {
            let bits = self.0.random().bits();
            if bits != 0 {
                return bits;
            }
        }
    }
}

impl IdGenerator for EnvironmentIds {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from((u128::from(self.bits()) << 64) | u128::from(self.bits()))
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(self.bits())
    }
}

impl fmt::Debug for EnvironmentIds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("EnvironmentIds").finish()
    }
}
