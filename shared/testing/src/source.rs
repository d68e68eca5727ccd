use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{Delivery, ParkReason, ParkedMessage, Queue, QueueError};
use onecommit_worker::{MESSAGES_MAX, Receipt, Source, SourceError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// A queue in memory that behaves as SQS does, on tokio's time: a message that was received is hidden until its
/// visibility ends, a receipt is good for one delivery, and a FIFO queue gives nothing of a group of which a message is
/// hidden.
#[derive(Debug, Default)]
pub struct MemorySource {
    is_fifo: bool,
    state: Mutex<State>,
    changed: Notify,
}

/// One delivery that the queue made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The message.
    pub message_id: String,
    /// Which of its deliveries, 1 for the first.
    pub receive_count: u32,
}

#[derive(Debug, Default)]
struct State {
    /// In the order they were sent.
    messages: Vec<Message>,
    parked: Vec<(Delivery, ParkReason)>,
    received: Vec<Received>,
    delete_batches: Vec<usize>,
    extended: Vec<String>,
    receives_that_fail: u32,
    deletes_that_fail: u32,
    hidden_most: usize,
}

#[derive(Debug)]
struct Message {
    /// As it was delivered last.
    delivery: Delivery,
    visible_at: Instant,
}

impl MemorySource {
    /// A standard queue.
    #[must_use]
    pub fn standard() -> Self {
        Self::default()
    }

    /// A FIFO queue.
    #[must_use]
    pub fn fifo() -> Self {
        Self {
            is_fifo: true,
            ..Self::default()
        }
    }

    /// Sends a message; its receipt and its receive count are the queue's business.
    pub fn send(&self, delivery: Delivery) {
        let delivery = Delivery {
            receive_count: 0,
            receipt: String::new(),
            ..delivery
        };
        self.lock().messages.push(Message {
            delivery,
            visible_at: Instant::now(),
        });
        self.changed.notify_waiters();
    }

    /// The next so many requests for messages fail.
    pub fn fail_receives(&self, count: u32) {
        self.lock().receives_that_fail = count;
    }

    /// The next so many requests to delete fail.
    pub fn fail_deletes(&self, count: u32) {
        self.lock().deletes_that_fail = count;
    }

    /// How many messages there are, hidden ones included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().messages.len()
    }

    /// The ids of the messages that somebody could receive now, leaving groups aside.
    #[must_use]
    pub fn visible(&self) -> Vec<String> {
        let (state, now) = (self.lock(), Instant::now());
        let visible = state.messages.iter().filter(|message| message.visible_at <= now);
        visible.map(|message| message.delivery.message_id.clone()).collect()
    }

    /// The most messages that were hidden at once.
    #[must_use]
    pub fn hidden_most(&self) -> usize {
        self.lock().hidden_most
    }

    /// Every delivery, in their order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.lock().received.clone()
    }

    /// How many messages each request to delete named.
    #[must_use]
    pub fn delete_batches(&self) -> Vec<usize> {
        self.lock().delete_batches.clone()
    }

    /// The messages that were hidden for longer, once for each time.
    #[must_use]
    pub fn extended(&self) -> Vec<String> {
        self.lock().extended.clone()
    }

    /// What was parked, and why.
    #[must_use]
    pub fn parked(&self) -> Vec<(Delivery, ParkReason)> {
        self.lock().parked.clone()
    }

    /// Returns when every message has been deleted.
    pub async fn emptied(&self) {
        loop {
            let changed = self.changed.notified();
            if self.count() == 0 {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What can be had now.
    fn take(&mut self, most: usize, visibility: Duration, is_fifo: bool) -> Vec<Delivery> {
        let now = Instant::now();
        let blocked: Vec<Option<String>> = self
            .messages
            .iter()
            .filter(|message| is_fifo && message.visible_at > now)
            .map(|message| message.delivery.group.clone())
            .collect();
        let available =
            |message: &&mut Message| message.visible_at <= now && !blocked.contains(&message.delivery.group);
        let mut taken = Vec::new();
        for message in self.messages.iter_mut().filter(available).take(most.min(MESSAGES_MAX)) {
            let delivery = &mut message.delivery;
            delivery.receive_count += 1;
            delivery.receipt = format!("{}/{}", delivery.message_id, delivery.receive_count);
            message.visible_at = now + visibility;
            taken.push(delivery.clone());
        }
        self.received.extend(taken.iter().map(|delivery| Received {
            message_id: delivery.message_id.clone(),
            receive_count: delivery.receive_count,
        }));
        let hidden = self.messages.iter().filter(|message| message.visible_at > now).count();
        self.hidden_most = self.hidden_most.max(hidden);
        taken
    }

    /// When a message becomes visible that is not yet.
    fn next_change(&self) -> Option<Instant> {
        let now = Instant::now();
        self.messages
            .iter()
            .map(|message| message.visible_at)
            .filter(|at| *at > now)
            .min()
    }

    fn delete(&mut self, receipt: &Receipt, is_fifo: bool) -> Result<(), SourceError> {
        let now = Instant::now();
        match self
            .messages
            .iter()
            .position(|message| message.delivery.message_id == receipt.message_id)
        {
            Some(place) if self.messages[place].delivery.receipt == receipt.handle => {
                // A FIFO queue refuses a receipt whose time is over; a standard queue takes it until the next delivery.
                if is_fifo && self.messages[place].visible_at <= now {
                    return Err(SourceError::Expired);
                }
                self.messages.remove(place);
                Ok(())
            }
            // An old receipt: the request succeeds, the message stays.
            _ => Ok(()),
        }
    }

    fn show_after(&mut self, handle: &str, after: Duration) -> Result<(), SourceError> {
        let now = Instant::now();
        let message = self
            .messages
            .iter_mut()
            .find(|message| message.delivery.receipt == handle);
        match message {
            Some(message) if message.visible_at > now => {
                message.visible_at = now + after;
                Ok(())
            }
            _ => Err(SourceError::Expired),
        }
    }
}

#[async_trait]
impl Source for MemorySource {
    async fn receive(&self, most: usize, wait: Duration, visibility: Duration) -> Result<Vec<Delivery>, SourceError> {
        // Like a network, it lets others run before it answers.
        tokio::task::yield_now().await;
        let give_up = Instant::now() + wait;
        loop {
            let changed = self.changed.notified();
            let next_change = {
                let mut state = self.lock();
                if state.receives_that_fail > 0 {
                    state.receives_that_fail -= 1;
                    return Err(SourceError::Transient("the queue is out of reach".into()));
                }
                let taken = state.take(most, visibility, self.is_fifo);
                if !taken.is_empty() || Instant::now() >= give_up {
                    return Ok(taken);
                }
                state.next_change().map_or(give_up, |at| at.min(give_up))
            };
            let _ = tokio::time::timeout_at(next_change, changed).await;
        }
    }

    async fn delete(&self, receipts: &[Receipt]) -> Vec<Result<(), SourceError>> {
        tokio::task::yield_now().await;
        let results = {
            let mut state = self.lock();
            state.delete_batches.push(receipts.len());
            if state.deletes_that_fail > 0 {
                state.deletes_that_fail -= 1;
                return receipts
                    .iter()
                    .map(|_| Err(SourceError::Transient("the answer got lost".into())))
                    .collect();
            }
            receipts
                .iter()
                .map(|receipt| state.delete(receipt, self.is_fifo))
                .collect()
        };
        self.changed.notify_waiters();
        results
    }

    async fn extend(&self, receipts: &[Receipt], visibility: Duration) -> Vec<Result<(), SourceError>> {
        tokio::task::yield_now().await;
        let mut state = self.lock();
        state
            .extended
            .extend(receipts.iter().map(|receipt| receipt.message_id.clone()));
        receipts
            .iter()
            .map(|receipt| state.show_after(&receipt.handle, visibility))
            .collect()
    }
}

#[async_trait]
impl Queue for MemorySource {
    async fn park(&self, messages: &[ParkedMessage<'_>]) -> Vec<Result<(), QueueError>> {
        let mut state = self.lock();
        state.parked.extend(
            messages
                .iter()
                .map(|message| (message.delivery.clone(), message.reason)),
        );
        messages.iter().map(|_| Ok(())).collect()
    }

    async fn delay(&self, deliveries: &[(&Delivery, Duration)]) -> Vec<Result<(), QueueError>> {
        tokio::task::yield_now().await;
        let results = {
            let mut state = self.lock();
            let delay_one = |(delivery, after): &(&Delivery, Duration)| {
                let result = state.show_after(&delivery.receipt, *after);
                result.map_err(|error| QueueError::Transient(error.into()))
            };
            deliveries.iter().map(delay_one).collect()
        };
        self.changed.notify_waiters();
        results
    }
}
