//! The promises, explored in a simulated world, and the bugs that the exploration has to notice.

pub mod mutants;
pub mod scenarios;
