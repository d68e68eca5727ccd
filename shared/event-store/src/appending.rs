//! Landing events at the end of a stream, once, also when an answer is lost on the way.
//!
//! ```text
//! put 8, id a ──> lands         x── the answer is lost
//! put 8, id a ──> refused, version 8 is there: its id is a, so it landed
//! ```
//!
//! A transaction sent again with its token tells so by itself, for ten minutes; a single put, which costs half the write
//! units, is recognised by the row that refuses it. Ids are made for one append only, so no other writer has them.

use onecommit_engine::{Cancellation, DatabaseError, TableWriter, Transaction, Value};
use onecommit_event::EventId;

/// What became of an append that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Landing {
    /// All of its events are there.
    Landed,
    /// None is: somebody else's are.
    Overtaken,
}

/// Sends the puts of an append whose first event is `first`; sent again, they are recognised.
///
/// A crash leaves either all of the events or none.
pub(crate) async fn land(
    database: &dyn TableWriter,
    puts: &Transaction,
    first: EventId,
) -> Result<Landing, DatabaseError> {
    let answer = match &*puts.writes {
        [put] => database.write(put).await,
        _ => database.transact(puts).await,
    };
    match answer {
        Ok(()) => Ok(Landing::Landed),
        Err(DatabaseError::Cancelled(reasons)) if reasons.first().is_some_and(|reason| shows(reason, first)) => {
            Ok(Landing::Landed)
        }
        Err(DatabaseError::Cancelled(reasons)) if reasons.iter().any(is_refusal) => Ok(Landing::Overtaken),
        Err(error) => Err(error),
    }
}

/// Whether the row that was in the way holds the event with this id.
fn shows(reason: &Cancellation, id: EventId) -> bool {
    let Cancellation::ConditionFailed(Some(row)) = reason else {
        return false;
    };
    row.get("eventId").and_then(Value::as_str) == Some(id.to_string().as_str())
}

fn is_refusal(reason: &Cancellation) -> bool {
    matches!(reason, Cancellation::ConditionFailed(_))
}
