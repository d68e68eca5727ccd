//! What a saga does next, as a pure function: no I/O, no clock, no data of its own. Everything that can happen to a saga is
//! an [`Input`]; [`turn`] says what follows.

mod progress;
mod shape;
mod turn;

#[cfg(test)]
mod exhaustive;

pub use progress::Status;
pub(crate) use progress::{Progress, State};
pub(crate) use shape::{Effort, Mode, Role, Shape, StepShape};
pub(crate) use turn::{Echo, Input, Meaning, Note, Send, Side, Turn, begin, turn};
