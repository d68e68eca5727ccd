//! What a saga does next, as a pure function: no I/O, no clock, no data of its own. Everything that can happen to a saga is
//! an [`Input`]; [`advance`] says what follows.

mod progress;
mod shape;
mod stepper;

#[cfg(test)]
mod exhaustive;
#[cfg(test)]
mod turns;

pub use progress::Status;
pub(crate) use progress::{Progress, State};
pub(crate) use shape::{AttemptPolicy, Mode, Role, Shape, StepShape};
pub(crate) use stepper::{Advance, Echo, Input, Leg, Note, Reply, Send, advance, begin};
