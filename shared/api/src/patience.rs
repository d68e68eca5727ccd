use std::time::Duration;

use onecommit_commit::{Backoff, DatabaseError};
use onecommit_environment::Environment;

/// How often a request is sent in all. A caller waits meanwhile, and API Gateway gives up after 29 s.
const TRIES_MAX: u32 = 4;
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(50),
    longest: Duration::from_secs(1),
};

/// Sends the same request again, up to four times in all, while the trouble is one that passes: no answer, throttling, a
/// conflict with another transaction on the row.
///
/// A request whose answer was lost may have landed: a write sent through here has to be one that changes nothing more
/// the second time, as a transaction with its token does.
///
/// # Errors
/// The last one.
pub async fn patiently<T, F, Fut>(environment: &Environment, request: F) -> Result<T, DatabaseError>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, DatabaseError>>,
{
    let mut failures = 0;
    loop {
        let error = match request().await {
            Ok(answer) => return Ok(answer),
            Err(error) if failures + 1 < TRIES_MAX && passes(&error) => error,
            Err(error) => return Err(error),
        };
        failures += 1;
        let wait = BACKOFF.after(failures, environment.random());
        tracing::debug!(error = %error, wait_ms = wait.as_millis() as u64, "tried again");
        environment.clock().sleep(wait).await;
    }
}

/// A transaction that met another one on a row is cancelled with that reason; nothing of it landed.
fn passes(error: &DatabaseError) -> bool {
    use onecommit_commit::Cancellation;
    match error {
        DatabaseError::Transient(..) => true,
        DatabaseError::Cancelled(reasons) => {
            let is_transient = |reason: &Cancellation| matches!(reason, Cancellation::Transient(_));
            let is_harmless = |reason: &Cancellation| *reason == Cancellation::None || is_transient(reason);
            reasons.iter().any(is_transient) && reasons.iter().all(is_harmless)
        }
        DatabaseError::Rejected(_) => false,
    }
}
