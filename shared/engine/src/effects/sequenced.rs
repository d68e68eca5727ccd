use std::sync::Arc;

use onecommit_event::{Event, Payload};
use tower::{BoxError, service_fn};

use super::{Carried, Effect, Failure, HandlerService, Kind, Message, decode};
use crate::condition::Condition;
use crate::write::Update;

/// A handler that keeps one row of a view, from the content of the event alone. It cannot read, wait or call: it is a
/// plain function.
///
/// The row notes the sequence it has seen in its attribute `seq`, and the write is conditional on it: one request, one
/// write unit, no ledger row, and safe under duplicates and any order. The row has to belong to one aggregate, and its
/// events have to carry their `sequence`.
///
/// A plain `fn(&Event<P>) -> Result<SequencedUpdate, Failure>` is one.
pub trait Sequenced<P>: Send + Sync + 'static {
    /// What the event changes in the row.
    ///
    /// # Errors
    /// See [`Failure`].
    fn project(&self, event: &Event<P>) -> Result<SequencedUpdate, Failure>;
}

impl<P, F> Sequenced<P> for F
where
    F: Fn(&Event<P>) -> Result<SequencedUpdate, Failure> + Send + Sync + 'static,
{
    fn project(&self, event: &Event<P>) -> Result<SequencedUpdate, Failure> {
        self(event)
    }
}

/// A change of one row of a view.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a change that is not returned changes nothing"]
pub struct SequencedUpdate {
    pub(crate) update: Update,
    pub(crate) gate: Gate,
}

/// When a row takes an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// When it is newer than what the row has seen.
    Newer,
    /// When it is the very next after what the row has seen.
    Next,
}

/// The attribute in which a row notes what it has seen.
const SEEN: &str = "seq";
/// How far the sequence of an event may be from the one that a row of last values has seen.
const JUMP_MAX: u64 = 1_000_000;

impl SequencedUpdate {
    /// The row shows the last value: it takes any newer event, and ignores older ones. An event
    /// whose sequence is more than a million from it, either way, is parked (`SequenceJump`): one of the two is wrong.
    pub fn last_value(update: Update) -> Self {
        Self {
            update,
            gate: Gate::Newer,
        }
    }

    /// The row accumulates: it takes exactly the next event. One that arrives too early is redelivered.
    ///
    /// Every event of the aggregate has to reach the row, also those that change nothing in it: return an update
    /// without changes for them.
    pub fn accumulating(update: Update) -> Self {
        Self {
            update,
            gate: Gate::Next,
        }
    }

    /// The write that carries the event's sequence, and lands only if the gate is open.
    pub(crate) fn gated(self, sequence: u64) -> Update {
        let open = match self.gate {
            Gate::Newer => {
                let is_newer = Condition::less(SEEN, sequence);
                let least = sequence.saturating_sub(JUMP_MAX);
                Condition::absent(SEEN).or(is_newer.and(Condition::at_least(SEEN, least)))
            }
            Gate::Next if sequence == 1 => Condition::absent(SEEN),
            Gate::Next => Condition::equals(SEEN, sequence - 1),
        };
        self.update.set(SEEN, sequence).only_if(open)
    }

    /// Whether two sequences of one aggregate are further apart than can be by copies, disorder and loss. One that is far
    /// too large would keep a row of last values from ever taking another event.
    pub(crate) fn is_jump(seen: u64, sequence: u64) -> bool {
        seen.abs_diff(sequence) > JUMP_MAX
    }

    /// What a row that kept the gate shut has seen.
    pub(crate) fn seen_by(row: &crate::value::Item) -> Option<u64> {
        row.get(SEEN).and_then(crate::value::Value::as_u64)
    }
}

pub(crate) fn service<P: Payload, H: Sequenced<P>>(handler: H) -> HandlerService {
    let handler = Arc::new(handler);
    HandlerService::new(service_fn(move |message: Message| {
        let handler = Arc::clone(&handler);
        async move {
            let event = decode::<P>(&message.event)?;
            let view = handler.project(&event).map_err(Carried::from)?;
            Ok::<_, BoxError>(Effect(Kind::View(view)))
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_is_not_a_jump_and_one_more_is() {
        for (seen, sequence, is_jump) in [
            (1, 1 + JUMP_MAX, false),
            (1, 2 + JUMP_MAX, true),
            (1 + JUMP_MAX, 1, false),
            (2 + JUMP_MAX, 1, true),
        ] {
            assert_eq!(SequencedUpdate::is_jump(seen, sequence), is_jump, "{seen} {sequence}");
        }
    }
}
