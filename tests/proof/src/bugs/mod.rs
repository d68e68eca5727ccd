//! The bugs that the exploration has to notice.
//!
//! A proof that has never failed says little: its scenarios may not contain what it takes, its invariants may look away.
//! So here are the mistakes that are tempting to make - many of them have been made elsewhere - and the exploration has to
//! fail with each of them. None of them stands in the code under test: a bug is a sabotage between a process and its
//! ports, or a scenario whose settings are wrong. Where there is no port, it is a patch of the source: see
//! [`crate::patches`].

mod batches;
mod bug;
mod calls;
mod circuits;
mod groups;
mod leases;
mod marks;
mod reads;
mod relay;
mod rewriting;
mod sagas;
mod sequences;
mod streams;
mod views;
mod writes;

pub use bug::{Bug, UnknownBug};

/// All of them.
#[must_use]
pub fn all() -> Vec<Bug> {
    [
        writes::BUGS,
        groups::BUGS,
        batches::BUGS,
        calls::BUGS,
        leases::BUGS,
        sequences::BUGS,
        views::BUGS,
        marks::BUGS,
        streams::BUGS,
        reads::BUGS,
        relay::BUGS,
        sagas::BUGS,
        circuits::BUGS,
    ]
    .concat()
}
