use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use onecommit_environment::Environment;

use super::failure::ProbeResult;
use super::flight::{Flight, Outcome};
use super::report::{CheckReport, Report};

/// The commit that the program was built from, if the build says so.
const BUILT_FROM: Option<&str> = option_env!("ONECOMMIT_COMMIT");

/// The checks of a service, by name.
///
/// A check is required when the service can do nothing without it; without an optional one it does less. Checks run side by
/// side and take a second at most. Whoever asks, a probe begins at most once a second: a service whose health is asked for
/// often is not what brings down those it depends on.
///
/// ```
/// use onecommit_environment::Environment;
/// use onecommit_http::health::{Health, ProbeFailure};
///
/// let health = Health::new(Environment::system())
///     .required("database", || async { Ok(()) })
///     .optional("recommendations", || async { Err(ProbeFailure::Unreachable) });
/// let routes: axum::Router = health.router();
/// ```
#[must_use]
pub struct Health {
    pub(super) environment: Environment,
    version: &'static str,
    checks: Vec<Check>,
}

struct Check {
    name: &'static str,
    is_required: bool,
    source: Source,
}

enum Source {
    /// Asks others, so it is limited.
    Probe(Flight),
    /// Known without asking anybody.
    Known(Box<dyn Fn() -> ProbeResult + Send + Sync>),
}

impl Health {
    /// Without checks: what has none is healthy as long as it answers. `environment` is the clock of limits and latencies.
    pub fn new(environment: Environment) -> Self {
        Self {
            environment,
            version: BUILT_FROM.filter(|commit| !commit.is_empty()).unwrap_or("unknown"),
            checks: Vec::new(),
        }
    }

    /// With a check that the service cannot do without.
    pub fn required<F, P>(self, name: &'static str, probe: P) -> Self
    where
        P: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = ProbeResult> + Send + 'static,
    {
        self.probed(name, true, probe)
    }

    /// With a check without which the service does less.
    pub fn optional<F, P>(self, name: &'static str, probe: P) -> Self
    where
        P: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = ProbeResult> + Send + 'static,
    {
        self.probed(name, false, probe)
    }

    /// With a required check of what the process knows of itself. It is looked at each time.
    pub fn known(mut self, name: &'static str, state: impl Fn() -> ProbeResult + Send + Sync + 'static) -> Self {
        self.checks.push(Check {
            name,
            is_required: true,
            source: Source::Known(Box::new(state)),
        });
        self
    }

    fn probed<F, P>(mut self, name: &'static str, is_required: bool, probe: P) -> Self
    where
        P: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = ProbeResult> + Send + 'static,
    {
        let probe = Box::new(move || probe().boxed());
        self.checks.push(Check {
            name,
            is_required,
            source: Source::Probe(Flight::new(probe, self.environment.clone())),
        });
        self
    }

    /// That the process lives.
    pub(super) fn alive(&self) -> Report {
        self.report(Vec::new())
    }

    /// What the required checks say.
    pub(super) async fn ready(&self) -> Report {
        self.asked(|check| check.is_required).await
    }

    /// Whether every required check says that the service can do its work.
    pub async fn is_ready(&self) -> bool {
        self.ready().await.is_ready()
    }

    /// What all checks say.
    pub(super) async fn all(&self) -> Report {
        self.asked(|_| true).await
    }

    async fn asked(&self, is_wanted: impl Fn(&Check) -> bool) -> Report {
        let checks = self.checks.iter().filter(|check| is_wanted(check));
        let asked = checks.map(async |check| CheckReport {
            name: check.name,
            is_required: check.is_required,
            outcome: check.source.outcome().await,
        });
        self.report(join_all(asked).await)
    }

    fn report(&self, checks: Vec<CheckReport>) -> Report {
        Report {
            timestamp: self.environment.clock().now(),
            version: self.version,
            checks,
        }
    }
}

impl Source {
    async fn outcome(&self) -> Outcome {
        match self {
            Self::Probe(flight) => flight.outcome().await,
            Self::Known(state) => Outcome {
                result: state(),
                latency: Duration::ZERO,
                is_stale: false,
            },
        }
    }
}
