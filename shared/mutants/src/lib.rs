//! Deliberate bugs, to see whether the proof notices them.
//!
//! A proof that has never failed says little: its scenarios may not contain what it takes, its invariants may look away.
//! So the engine holds the mistakes that are tempting to make - many of them have been made elsewhere - and the proof
//! switches them on, one after the other, and has to fail for each.
//!
//! ```text
//! if is_on(Mutant::LedgerPutUnconditional) { the bug } else { what is right }
//! ```
//!
//! Without the feature `switch`, [`is_on`] is the constant `false`, so that nothing of the bugs is left in a program. With
//! it, `with` switches one of them on, for the thread it is called on and while it runs. Work that is handed to another
//! thread does not see it: run the engine on a current-thread runtime inside.

mod mutant;
mod switch;

pub use mutant::{Mutant, UnknownMutant};
pub use switch::is_on;
#[cfg(any(test, feature = "switch"))]
pub use switch::with;
