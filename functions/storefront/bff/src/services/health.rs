use std::time::Duration;

use http::StatusCode;
use onecommit_client::{CallError, Client, Trouble};
use onecommit_environment::Environment;
use onecommit_http::health::{Health, ProbeFailure, ProbeResult};
use serde::de::IgnoredAny;

use super::Services;

/// A little less than a check may take, so that it can say what was wrong.
const WITHIN: Duration = Duration::from_millis(900);

impl Services {
    /// Whether each context answers. All of them are optional: a page that lacks a part is better than none.
    pub(crate) fn health(&self, environment: &Environment) -> Health {
        let clients = [
            ("catalog", &self.catalog.0),
            ("orders", &self.orders.0),
            ("users", &self.users.0),
            ("notifications", &self.notifications.0),
            ("recommendations", &self.recommendations.0),
        ];
        clients
            .into_iter()
            .fold(Health::new(environment.clone()), |health, (name, client)| {
                let client = client.clone();
                health.optional(name, move || answers(client.clone()))
            })
    }
}

/// Asks as every other call does: signed where it is needed, and not at all while the circuit is open.
async fn answers(client: Client) -> ProbeResult {
    let call = client.get::<IgnoredAny>("/health/live").without_cache();
    match call.answer_within(WITHIN).await {
        Ok(_) => Ok(()),
        Err(error) => Err(failure(&error)),
    }
}

fn failure(error: &CallError) -> ProbeFailure {
    match (error.trouble(), error.status()) {
        (_, Some(StatusCode::TOO_MANY_REQUESTS)) => ProbeFailure::Throttled,
        (_, Some(status)) if status.is_client_error() => ProbeFailure::Misconfigured,
        (_, Some(_)) => ProbeFailure::AnsweredWithError,
        (Trouble::NotTried(_), _) => ProbeFailure::CircuitOpen,
        (Trouble::TimedOut(_) | Trouble::TooSlow(_), _) => ProbeFailure::Timeout,
        (Trouble::Unidentified(_) | Trouble::InvalidRequest(_) | Trouble::Redirected(_), _) => {
            ProbeFailure::Misconfigured
        }
        _ => ProbeFailure::Unreachable,
    }
}
