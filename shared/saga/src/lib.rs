//! Sagas: work across services in steps, each of which can be undone until one of them decides.

mod cache;
mod command_id;
mod definition;
mod error;
mod journal;
mod machine;
mod orchestrator;
mod requests;
mod row;
mod sweeper;
mod transition;

pub use definition::{
    Action, AfterPivot, Answers, BeforePivot, Call, Called, Command, Compensatable, Definition, DefinitionError, Pivot,
    Saga, Start, Starts, Step, Steps, step,
};
pub use error::SagaError;
pub use journal::{JournalEntry, What};
pub use machine::Status;
pub use orchestrator::Orchestrator;
pub use requests::{
    SagaCallDue, SagaCancelRequested, SagaDeadlineReached, SagaResolved, SagaRetryRequested, SagaSkipRequested,
};
pub use row::SagaRow;
pub use sweeper::{DueSaga, Sweeper, Swept, Wake, WakeError};
