//! Aggregates from their events: append, read, fold, snapshots, upcasters.
//!
//! An aggregate is plain Rust. [`Decider::decide`] says what happens on a command, [`Decider::evolve`] what an event
//! makes of the state; the store does the rest.
//!
//! ```
//! use onecommit_event::Payload;
//! use onecommit_event_store::{Decider, Scenario, domain_events};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
//! struct Deposited { amount: i64 }
//! impl Payload for Deposited {
//!     const EVENT_TYPE: &'static str = "Deposited";
//! }
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
//! struct Withdrawn { amount: i64 }
//! impl Payload for Withdrawn {
//!     const EVENT_TYPE: &'static str = "Withdrawn";
//! }
//! domain_events! {
//!     /// What happens to accounts.
//!     pub enum AccountEvent { Deposited(Deposited), Withdrawn(Withdrawn) }
//! }
//!
//! struct Account;
//! impl Decider for Account {
//!     const AGGREGATE_TYPE: &'static str = "Account";
//!     type State = i64;
//!     type Command = i64;
//!     type Event = AccountEvent;
//!     type Rejection = &'static str;
//!
//!     fn decide(balance: &i64, withdrawal: &i64) -> Result<Vec<AccountEvent>, &'static str> {
//!         if withdrawal > balance {
//!             return Err("not enough money");
//!         }
//!         Ok(vec![Withdrawn { amount: *withdrawal }.into()])
//!     }
//!
//!     fn evolve(balance: i64, event: &AccountEvent) -> i64 {
//!         match event {
//!             AccountEvent::Deposited(deposit) => balance + deposit.amount,
//!             AccountEvent::Withdrawn(withdrawal) => balance - withdrawal.amount,
//!         }
//!     }
//! }
//!
//! Scenario::<Account>::given([Deposited { amount: 10 }.into()])
//!     .when(&4)
//!     .then([Withdrawn { amount: 4 }.into()])
//!     .when(&7)
//!     .rejected("not enough money");
//! ```

mod appending;
pub mod audit;
mod decider;
mod error;
mod reading;
mod replay;
mod scenario;
mod settings;
mod snapshot;
mod store;
mod upcast;

pub use decider::{Decider, DomainEvent, Loaded};
pub use error::{AppendError, ExecuteError, StoreError};
#[doc(hidden)]
pub use onecommit_event;
pub use reading::Reading;
pub use replay::{Position, Replay};
pub use scenario::Scenario;
pub use settings::Settings;
pub use snapshot::{SnapshotPolicy, Snapshots};
pub use store::EventStore;
pub use upcast::{UpcastError, Upcasters};
