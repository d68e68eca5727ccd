//! What a platform and people ask of a service's health: whether it lives, whether it can do its work, and what of it does
//! not answer.

mod check;
mod failure;
mod flight;
mod probes;
mod report;
mod routes;

pub use check::Health;
pub use failure::{ProbeFailure, ProbeResult};
pub use probes::{downstream, query_answers, row_answers, unless_open};
