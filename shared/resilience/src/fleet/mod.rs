//! The circuit that a fleet of processes shares: a row, whose changes of state are events.

mod circuits;
mod events;
mod row;
mod state;
mod tables;

pub use circuits::{Circuits, Report, Step, Transition};
pub use events::{CircuitClosed, CircuitForced, CircuitHalfOpened, CircuitOpened};
pub(crate) use state::window_at;
pub use state::{FleetCircuit, FleetCounts, FleetPermit, FleetState};
pub use tables::TableCircuits;
pub(crate) use tables::stream_of;
