//! Sending the same request again while that may help.

use std::future::Future;

use onecommit_commit::{Cancellation, DatabaseError};
use onecommit_environment::Environment;

use crate::settings::Settings;

/// Sends a request until it is answered for good, or as often as the settings say.
pub(crate) async fn repeated<T, F: Future<Output = Result<T, DatabaseError>>>(
    environment: &Environment,
    settings: &Settings,
    request: impl Fn() -> F,
) -> Result<T, DatabaseError> {
    let mut failures = 0;
    loop {
        match request().await {
            Err(error) if may_pass(&error) && failures + 1 < settings.attempts_max => failures += 1,
            answer => return answer,
        }
        let wait = settings.attempt_backoff.after(failures, environment.random());
        environment.clock().sleep(wait).await;
    }
}

fn may_pass(error: &DatabaseError) -> bool {
    match error {
        DatabaseError::Transient(..) => true,
        DatabaseError::Cancelled(reasons) => reasons
            .iter()
            .all(|reason| matches!(reason, Cancellation::None | Cancellation::Transient(_))),
        DatabaseError::Rejected(_) => false,
    }
}
