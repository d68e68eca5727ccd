use std::sync::Arc;
use std::time::Duration;

use onecommit_environment::Backoff;
use tracing::{debug, warn};

use super::discover::{Discover, DiscoverError, Found};
use super::known::Known;

/// Between two questions to a registry that fails.
const AFTER_FAILURES: Backoff = Backoff {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(30),
};
/// What a registry that waits for changes may take beside the limit of a plain question.
const WAIT_FOR_CHANGE_MAX: Duration = Duration::from_secs(60);

/// Asks the registry again and again, until the task is ended.
pub(super) async fn renew(known: Arc<Known>, discover: Arc<dyn Discover>) {
    let (mut version, mut failures) = (None, 0_u32);
    loop {
        let settings = &known.settings;
        let limit = match version {
            Some(_) => settings.answer_within + WAIT_FOR_CHANGE_MAX,
            None => settings.answer_within,
        };
        let asked = discover.find(&known.service, version);
        let wait = match known.environment.within(limit, asked).await {
            Some(Ok(found)) => {
                failures = 0;
                version = next_version(version, &found);
                let wait = match version {
                    // The registry waits itself.
                    Some(_) => settings.refresh_at_least,
                    None => found.holds_for.unwrap_or(settings.refresh_every),
                };
                known.found(found);
                wait.max(settings.refresh_at_least)
            }
            answer => {
                failures = failures.saturating_add(1);
                version = None;
                tell(&known, answer.and_then(Result::err), failures);
                known.not_found();
                AFTER_FAILURES
                    .after(failures, known.environment.random())
                    .max(settings.refresh_at_least)
            }
        };
        known.environment.clock().sleep(wait).await;
    }
}

/// A version that goes back belongs to a registry that lost its count: the next question waits for nothing, as
/// <https://developer.hashicorp.com/consul/api-docs/features/blocking> asks for.
fn next_version(known: Option<u64>, found: &Found) -> Option<u64> {
    let next = found.version.filter(|version| *version > 0)?;
    known.is_none_or(|known| next >= known).then_some(next)
}

fn tell(known: &Known, error: Option<DiscoverError>, failures: u32) {
    let service = &known.service;
    let error = error.map_or_else(|| "it did not answer in time".to_owned(), |error| error.to_string());
    if failures == 1 {
        warn!(
            service,
            error, "instances could not be renewed; the last known are used within their bound"
        );
    } else {
        debug!(service, error, failures, "instances could not be renewed");
    }
}
