use std::time::Duration;

use onecommit_engine::Deadline;
use onecommit_environment::Environment;

/// Left of an invocation's time for settling the batch, as engines leave it.
const TIME_TO_SETTLE: Duration = Duration::from_millis(500);

/// What comes of a request; nothing, when it takes longer than the invocation can wait.
pub(super) async fn in_time<T>(
    deadline: Deadline,
    environment: &Environment,
    request: impl Future<Output = T>,
) -> Option<T> {
    let limit = deadline.remaining(environment.clock()).saturating_sub(TIME_TO_SETTLE);
    environment.within(limit, request).await
}
