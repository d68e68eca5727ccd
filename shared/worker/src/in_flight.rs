use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use onecommit_engine::Delivery;

use crate::room::Place;
use crate::source::Receipt;

/// Every message that was received and is not settled yet.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<State>);

/// Names a message in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

#[derive(Debug, Default)]
struct State {
    held: BTreeMap<Ticket, Held>,
    next: u64,
}

#[derive(Debug)]
struct Held {
    receipt: Receipt,
    hidden_since: Instant,
    /// Being settled: how long it stays hidden is not the heartbeat's business any more.
    settling: bool,
    _place: Option<Place>,
}

impl InFlight {
    pub(crate) fn add(&self, delivery: &Delivery, place: Option<Place>, now: Instant) -> Ticket {
        let mut state = self.lock();
        let ticket = Ticket(state.next);
        state.next += 1;
        let held = Held {
            receipt: delivery.into(),
            hidden_since: now,
            settling: false,
            _place: place,
        };
        state.held.insert(ticket, held);
        ticket
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().held.len()
    }

    /// It is being settled. Whoever changes its visibility now does so for good.
    pub(crate) fn settle(&self, ticket: Ticket) {
        if let Some(held) = self.lock().held.get_mut(&ticket) {
            held.settling = true;
        }
    }

    /// It is no business of this process any more: there is room again.
    pub(crate) fn release(&self, ticket: Ticket) {
        self.lock().held.remove(&ticket);
    }

    /// Those hidden for at least `age` since they were received or extended.
    pub(crate) fn hidden_for(&self, age: Duration, now: Instant) -> (Vec<Ticket>, Vec<Receipt>) {
        let state = self.lock();
        let due = |held: &Held| !held.settling && now.saturating_duration_since(held.hidden_since) >= age;
        let found = state.held.iter().filter(|(_, held)| due(held));
        found.map(|(ticket, held)| (*ticket, held.receipt.clone())).unzip()
    }

    pub(crate) fn hidden_again(&self, ticket: Ticket, now: Instant) {
        if let Some(held) = self.lock().held.get_mut(&ticket) {
            held.hidden_since = now;
        }
    }

    /// Everything that is left, in the order it was received.
    pub(crate) fn take_all(&self) -> Vec<Receipt> {
        std::mem::take(&mut self.lock().held)
            .into_values()
            .map(|held| held.receipt)
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
