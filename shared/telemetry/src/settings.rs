//! What a process shows of itself, from its settings.

use onecommit_config::Reader;
use onecommit_environment::Environment;

use crate::logs::{self, LogLevel};

/// How much a process logs, and which traces it records.
#[derive(Clone, Debug)]
pub struct Telemetry {
    level: LogLevel,
    #[cfg(feature = "traces")]
    traces: Option<crate::traces::TraceSettings>,
}

impl Telemetry {
    /// Reads [`LOG_LEVEL`](crate::LOG_LEVEL) and, with the feature `traces`, `TRACE_RATIO` and what the process is called.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            level: logs::read_level(reader),
            #[cfg(feature = "traces")]
            traces: crate::traces::TraceSettings::read(reader),
        }
    }

    /// Starts to log, and to record traces if they are on. A second call changes nothing.
    pub fn start(self) {
        #[cfg(feature = "traces")]
        if let Some(traces) = self.traces {
            crate::traces::start(&traces, self.level);
            return;
        }
        logs::init(self.level);
    }
}

/// The environment, with the traces of this process if it records any: see [`Telemetry::start`].
#[must_use]
pub fn traced(environment: Environment) -> Environment {
    #[cfg(feature = "traces")]
    if let Some(tracer) = crate::traces::tracer() {
        return environment.with_tracer(tracer);
    }
    environment
}
