use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use onecommit_commit::Deadline;
use onecommit_environment::Clock;

/// Left of an invocation's time for settling the batch, as engines leave it.
const TIME_TO_SETTLE: Duration = Duration::from_millis(500);
/// With more time left than any worker or function needs for a request, no timer is set.
const NO_HURRY: Duration = Duration::from_secs(24 * 3600);

/// What comes of a request; nothing, when it takes longer than the invocation can wait.
pub(super) async fn in_time<T>(deadline: Deadline, clock: &dyn Clock, request: impl Future<Output = T>) -> Option<T> {
    let limit = deadline.remaining(clock).saturating_sub(TIME_TO_SETTLE);
    if limit > NO_HURRY {
        return Some(request.await);
    }
    match select(pin!(request), clock.sleep(limit)).await {
        Either::Left((answer, _)) => Some(answer),
        Either::Right(_) => None,
    }
}
