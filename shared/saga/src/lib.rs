//! Sagas: work across services that is completed or undone.
//!
//! A definition lists the steps in the terms of the business. Before the pivot each step has a compensation; the pivot
//! decides; after it, each step is repeated until it succeeds. A wrong order does not compile.
//!
//! ```
//! use onecommit_event::{Event, Payload};
//! use onecommit_saga::{Answers, Command, Saga, Start, Starts, step};
//! use serde::{Deserialize, Serialize};
//!
//! /// What the saga knows.
//! #[derive(Serialize, Deserialize)]
//! struct Trip { trip_id: String, seat: Option<String> }
//!
//! macro_rules! events {
//!     ($($name:ident { $($field:ident),* })*) => {$(
//!         #[derive(Serialize, Deserialize)]
//!         struct $name { $($field: String),* }
//!         impl Payload for $name {
//!             const EVENT_TYPE: &'static str = stringify!($name);
//!         }
//!     )*};
//! }
//! events! {
//!     TripRequested { trip_id }
//!     BookSeat { trip_id } SeatBooked { trip_id, seat } TrainFull { trip_id }
//!     FreeSeat { trip_id } SeatFreed { trip_id }
//!     ChargeCard { trip_id } CardCharged { trip_id } CardDeclined { trip_id }
//!     RefundCard { trip_id } CardRefunded { trip_id }
//!     SendTicket { trip_id }
//! }
//!
//! impl Starts<Trip> for TripRequested {
//!     fn start(event: &Event<Self>) -> Option<Start<Trip>> {
//!         let trip_id = event.payload().trip_id.clone();
//!         Some(Start { saga_id: trip_id.clone(), data: Trip { trip_id, seat: None } })
//!     }
//! }
//!
//! impl Answers<Trip> for SeatBooked {
//!     fn saga_id(event: &Event<Self>) -> String {
//!         event.payload().trip_id.clone()
//!     }
//!     fn apply(event: &Event<Self>, trip: &mut Trip) {
//!         trip.seat = Some(event.payload().seat.clone());
//!     }
//! }
//! # macro_rules! answers { ($($name:ident)*) => {$(
//! #     impl Answers<Trip> for $name {
//! #         fn saga_id(event: &Event<Self>) -> String { event.payload().trip_id.clone() }
//! #     }
//! # )*} }
//! # answers! { TrainFull SeatFreed CardCharged CardDeclined CardRefunded }
//! // ... and so on for the other answers.
//!
//! let definition = Saga::named("TripSaga", 1)
//!     .started_by::<Trip, TripRequested>()
//!     .compensatable(
//!         step("book a seat", Command::of(|trip: &Trip| BookSeat { trip_id: trip.trip_id.clone() })
//!             .answered_by::<SeatBooked>()
//!             .refused_by::<TrainFull>())
//!         .compensated_by(Command::of(|trip: &Trip| FreeSeat { trip_id: trip.trip_id.clone() })
//!             .answered_by::<SeatFreed>()),
//!     )
//!     .pivot(
//!         step("charge the card", Command::of(|trip: &Trip| ChargeCard { trip_id: trip.trip_id.clone() })
//!             .answered_by::<CardCharged>()
//!             .refused_by::<CardDeclined>())
//!         .undone_by(Command::of(|trip: &Trip| RefundCard { trip_id: trip.trip_id.clone() })
//!             .answered_by::<CardRefunded>()),
//!     )
//!     .retriable(step("send the ticket", Command::of(|trip: &Trip| SendTicket { trip_id: trip.trip_id.clone() })
//!         .unanswered()))
//!     .build()?;
//! assert!(definition.to_mermaid().contains("s0 -. TrainFull .-> compensated"));
//! # Ok::<(), onecommit_saga::DefinitionError>(())
//! ```
//!
//! [`Orchestrator`] makes an ordinary consumer of definitions: each transition is the commit of the message that caused
//! it, with the saga's row, its journal and the outgoing commands. [`Sweeper`] finds passed deadlines. A pure
//! function computes the next state; tests run it through every order of messages.

mod attributes;
mod cache;
mod cancellation;
mod carried_over;
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
mod upgrade;

pub use definition::{
    Action, AfterPivot, Answers, BeforePivot, Call, Called, Cancels, Command, Compensatable, Definition,
    DefinitionError, Pivot, Saga, Start, Starts, Step, Steps, step,
};
pub use error::SagaError;
pub use journal::{JournalEntry, What};
pub use machine::Status;
pub use orchestrator::Orchestrator;
pub use requests::{
    SagaCallDue, SagaCancelRequested, SagaDeadlineReached, SagaEcho, SagaResolved, SagaRetryRequested,
    SagaSkipRequested, is_reserved,
};
pub use row::SagaRow;
pub use sweeper::{DeadlineSender, DeadlineSenderError, DueSaga, Sweeper, Swept};
pub use upgrade::{Indexed, index_older_sagas};
