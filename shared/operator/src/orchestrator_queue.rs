use async_trait::async_trait;
use onecommit_aws::SqsQueue;
use onecommit_engine::QueueError;
use onecommit_event::Event;

/// Where the orchestrator hears what people ask of sagas.
#[async_trait]
pub(crate) trait OrchestratorQueue: Send + Sync {
    /// Sends one request. When this fails, it may have arrived all the same.
    async fn tell(&self, request: &Event) -> Result<(), QueueError>;
}

#[async_trait]
impl OrchestratorQueue for SqsQueue {
    async fn tell(&self, request: &Event) -> Result<(), QueueError> {
        self.send(&[request.to_json()]).await.into_iter().collect()
    }
}
