mod backfill;
mod export;
mod show;
mod state;
mod stuck;
mod verify;

pub(crate) use backfill::backfill;
pub(crate) use export::export;
use onecommit_event::Aggregate;
pub(crate) use show::show;
pub(crate) use state::state;
pub(crate) use stuck::stuck;
pub(crate) use verify::verify;

/// There is nothing of what was asked for.
#[derive(Debug, thiserror::Error)]
#[error("there are no events of {stream}{detail}; check how it is written, and EVENTS_TABLE_NAME")]
struct NoEvents {
    stream: Aggregate,
    /// For example ` at that time`.
    detail: String,
}
