use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{Delivery, ParkReason, ParkedMessage, Queue, QueueError};

/// A queue that notes what it was asked for.
#[derive(Debug, Default)]
pub struct MemoryQueue {
    parked: Mutex<Vec<(Delivery, ParkReason, String)>>,
    delayed: Mutex<Vec<(String, Duration)>>,
    refusal: Mutex<Option<fn() -> QueueError>>,
}

impl MemoryQueue {
    /// From now on nothing can be parked or delayed, for this reason.
    pub fn refuse(&self, why: fn() -> QueueError) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// What was parked, why, and in which words.
    #[must_use]
    pub fn parked(&self) -> Vec<(Delivery, ParkReason, String)> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The ids of the messages that were delayed, and for how long.
    #[must_use]
    pub fn delayed(&self) -> Vec<(String, Duration)> {
        self.delayed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn refused(&self) -> Option<QueueError> {
        self.refusal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .map(|why| why())
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn park(&self, messages: &[ParkedMessage<'_>]) -> Vec<Result<(), QueueError>> {
        let park_one = |message: &ParkedMessage<'_>| match self.refused() {
            Some(error) => Err(error),
            None => {
                let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
                parked.push((message.delivery.clone(), message.reason, message.error.to_owned()));
                Ok(())
            }
        };
        messages.iter().map(park_one).collect()
    }

    async fn delay(&self, deliveries: &[(&Delivery, Duration)]) -> Vec<Result<(), QueueError>> {
        let delay_one = |(delivery, after): &(&Delivery, Duration)| match self.refused() {
            Some(error) => Err(error),
            None => {
                let mut delayed = self.delayed.lock().unwrap_or_else(PoisonError::into_inner);
                delayed.push((delivery.message_id.clone(), *after));
                Ok(())
            }
        };
        deliveries.iter().map(delay_one).collect()
    }
}
