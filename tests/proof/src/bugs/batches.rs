//! Bugs of how a batch is handled.

use std::sync::Arc;

use async_trait::async_trait;
use onecommit_commit::{Deadline, Delivery, Verdict};
use onecommit_testing::simulation::{BatchHandler, Sabotage};

use super::bug::Bug;

pub(super) const BUGS: &[Bug] = &[Bug::sabotage(
    "deadline-ignored",
    "A batch ends without verdicts: what hangs, or takes long, is waited for beyond the end of the invocation.",
    |_| Arc::new(DeadlineIgnored),
)];

struct DeadlineIgnored;

#[async_trait]
impl Sabotage for DeadlineIgnored {
    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], _: Deadline) -> Vec<Verdict> {
        handler.handle(deliveries, Deadline::none()).await
    }
}
