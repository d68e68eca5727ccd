use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::Environment;

/// With more time left than any program needs, no timer is set.
const NO_HURRY: Duration = Duration::from_secs(24 * 3600);

impl Environment {
    /// What comes of `work`; nothing, when it takes longer than `limit`. It is dropped then: a request that was cut off may
    /// have taken effect.
    pub async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        if limit >= NO_HURRY {
            return Some(work.await);
        }
        let (mut work, mut limit) = (pin!(work), pin!(self.clock().sleep(limit)));
        poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            limit.as_mut().poll(context).map(|()| None)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn work_that_does_not_end_is_cut_off() {
        let environment = Environment::system();
        assert_eq!(environment.within(Duration::ZERO, pending::<()>()).await, None);
        assert_eq!(environment.within(Duration::ZERO, ready(7)).await, Some(7));
    }
}
