//! Views of event-sourced aggregates: updated while events arrive, rebuilt from the store beside the active generation.
//!
//! A [`ViewDefinition`] is a name and handlers. A [`Projector`] keeps any number of views from the same deliveries. A
//! [`Rebuild`] builds the next *generation* of a view, and switches when it is complete. A [`ViewReader`] returns the rows
//! of the active one.
//!
//! **A generation of a view is a consumer of its own**, `{view}@{generation}`: rows and ledger rows carry that name. So
//! the projector and the rebuild of one generation absorb each other's duplicates by the engine's own means, and need
//! to know nothing of each other.
//!
//! ```
//! use onecommit_engine::{Consumer, Failure, SequencedUpdate};
//! use onecommit_event::{Event, Payload};
//! use onecommit_views::{ViewDefinition, ViewRows};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct ParcelShipped { carrier: String }
//!
//! impl Payload for ParcelShipped {
//!     const EVENT_TYPE: &'static str = "ParcelShipped";
//! }
//!
//! /// One row per parcel: who carries it.
//! struct Carriers;
//!
//! impl ViewDefinition for Carriers {
//!     fn name(&self) -> &str {
//!         "carriers"
//!     }
//!
//!     fn handlers(&self, consumer: Consumer, rows: ViewRows) -> Consumer {
//!         consumer.sequenced(move |event: &Event<ParcelShipped>| -> Result<SequencedUpdate, Failure> {
//!             let row = rows.update(event.aggregate().id(), "carrier");
//!             Ok(SequencedUpdate::last_value(row.set("carrier", &event.payload().carrier)))
//!         })
//!     }
//! }
//! # assert_eq!(Carriers.name(), "carriers");
//! ```

mod control;
mod control_cache;
mod definition;
mod engines;
mod lag;
mod name;
mod projector;
mod reader;
mod rebuild;
mod status;

pub use control::state::Phase;
pub use control::{ControlError, Generations, ViewControl};
pub use definition::{ViewDefinition, ViewRows};
pub use engines::EngineFactory;
pub use lag::Lag;
pub use name::{Generation, InvalidViewName, ViewName};
pub use projector::{Projector, REFRESH, REFRESH_MAX, ViewTally};
pub use reader::{ReadError, ViewReader};
pub use rebuild::{
    Cleaned, Next, NotTaken, ParkedEvent, ParkedEvents, Progress, Rebuild, RebuildError, RebuildSettings, Rebuilt,
};
pub use status::{BuildingStatus, ViewStatus};
