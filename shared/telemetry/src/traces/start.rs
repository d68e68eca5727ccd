use std::sync::{Arc, OnceLock};

use onecommit_environment::{Environment, Tracer};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::logs::{self, LogLevel};
use crate::traces::recorder::Recorder;
use crate::traces::settings::TraceSettings;

/// Spans go where `tracing` sends them, which is one place for the whole process.
static RECORDER: OnceLock<Arc<Recorder>> = OnceLock::new();

/// Logs from `level` up, and records traces. A second call changes nothing.
pub(crate) fn start(settings: &TraceSettings, level: LogLevel) {
    let recorder =
        RECORDER.get_or_init(|| Recorder::new(settings, &Environment::system(), Box::new(std::io::stdout())));
    // Fails only when logging has been set up before.
    let _ = Registry::default()
        .with(logs::layer(std::io::stdout).with_filter(logs::filter(level)))
        .with(recorder.layer())
        .try_init();
    logs::report_panics();
}

/// Where traces go, if they have been started.
pub(crate) fn tracer() -> Option<Arc<dyn Tracer>> {
    RECORDER.get().map(|recorder| Arc::clone(recorder) as Arc<dyn Tracer>)
}
