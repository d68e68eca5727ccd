use std::sync::Arc;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use crate::source::MESSAGES_MAX;

/// How many more messages may be in flight.
#[derive(Debug)]
pub(crate) struct Room {
    places: Arc<Semaphore>,
    /// One loop at a time looks for room. Otherwise each would get a place or two, and ask for as few messages.
    turn: Mutex<()>,
}

/// Places for messages that are asked for. What is dropped is free again.
#[derive(Debug)]
pub(crate) struct Places(OwnedSemaphorePermit);

/// The place of one message in flight.
#[derive(Debug)]
pub(crate) struct Place(#[expect(dead_code, reason = "held until the message is settled")] OwnedSemaphorePermit);

impl Room {
    pub(crate) fn for_messages(most: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS))),
            turn: Mutex::default(),
        }
    }

    /// Waits for at least one place and takes as many as one request can fill. `None` never happens while the room is
    /// in use: nothing closes it.
    pub(crate) async fn take(&self) -> Option<Places> {
        let _turn = self.turn.lock().await;
        let mut places = Arc::clone(&self.places).acquire_owned().await.ok()?;
        while places.num_permits() < MESSAGES_MAX
            && let Ok(another) = Arc::clone(&self.places).try_acquire_owned()
        {
            places.merge(another);
        }
        Some(Places(places))
    }
}

impl Places {
    pub(crate) fn count(&self) -> usize {
        self.0.num_permits()
    }

    pub(crate) fn next(&mut self) -> Option<Place> {
        self.0.split(1).map(Place)
    }
}
