//! Carrying a plan out: requests to subgraphs, what of the answers belongs where, and what failed.

mod answer;
mod failures;
mod keys;
mod lots;
mod merge;
mod places;
mod requires;
mod rewrites;
mod run;

pub(crate) use failures::Failures;
pub(crate) use run::Run;
