use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use onecommit_environment::Environment;
use tokio_util::sync::CancellationToken;

use crate::services::Services;
use crate::session::Sessions;
use crate::updates::{Door, Watch};

/// How the front door is run.
#[derive(Clone, Copy, Debug)]
pub struct BffSettings {
    /// How long the dashboard waits for each of its services.
    pub dashboard_within: Duration,
    /// How answers leave.
    pub door: Door,
    /// How often an order that is watched is read.
    pub watch_every: Duration,
    /// How many orders are watched at once in this process; more are told to come back.
    pub watched_max: usize,
}

impl Default for BffSettings {
    fn default() -> Self {
        Self {
            dashboard_within: Duration::from_millis(800),
            door: Door::Buffered,
            watch_every: Duration::from_millis(500),
            watched_max: 1_000,
        }
    }
}

/// The storefront's front door.
#[derive(Clone)]
pub struct Bff(Arc<Parts>);

struct Parts {
    services: Services,
    sessions: Sessions,
    watch: Watch,
    settings: BffSettings,
    environment: Environment,
}

impl Bff {
    /// The front door before these services, for people with these sessions.
    #[must_use]
    pub fn new(services: Services, sessions: Sessions, settings: BffSettings, environment: Environment) -> Self {
        let watch = Watch::new(settings.door, settings.watch_every, settings.watched_max);
        Self(Arc::new(Parts {
            services,
            sessions,
            watch,
            settings,
            environment,
        }))
    }

    /// Cancelled, it ends every stream: a process that drains cannot wait for people who watch.
    #[must_use]
    pub fn ending(&self) -> CancellationToken {
        self.0.watch.ending.clone()
    }

    pub(crate) fn services(&self) -> &Services {
        &self.0.services
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.0.watch
    }

    pub(crate) fn settings(&self) -> &BffSettings {
        &self.0.settings
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.0.environment
    }
}

impl fmt::Debug for Bff {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Bff")
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}
