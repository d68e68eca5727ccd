use async_trait::async_trait;
use onecommit_engine::{Deadline, Delivery, Engine, Verdict};

/// Whoever handles the batches of a queue: an engine, or several of them behind one queue.
#[async_trait]
pub trait BatchHandler: Send + Sync + 'static {
    /// In whose name messages are parked.
    fn name(&self) -> &str;

    /// A verdict for each delivery, in their order, before the deadline.
    async fn handle(&self, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict>;
}

#[async_trait]
impl BatchHandler for Engine {
    fn name(&self) -> &str {
        self.name()
    }

    async fn handle(&self, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        self.handle(deliveries, deadline).await
    }
}
