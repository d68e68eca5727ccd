//! Rounds of publishing: no round has two events of one aggregate, so that none can overtake another.

use std::collections::HashSet;

use onecommit_event::{Aggregate, Event};

/// The first event of each aggregate among `events`, in their order; the others stay.
pub(crate) fn next_round(events: &mut Vec<Event>) -> Vec<Event> {
    let mut taken: HashSet<Aggregate> = HashSet::new();
    let (round, rest) = std::mem::take(events)
        .into_iter()
        .partition(|event| taken.insert(event.aggregate().clone()));
    *events = rest;
    round
}
