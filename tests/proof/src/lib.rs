//! The promises, explored in a simulated world, and the bugs that the exploration has to notice.

pub mod bugs;
pub mod exploring;
pub mod granted;
pub mod hunting;
pub mod page;
pub mod patches;
pub mod scenarios;
pub mod side_by_side;
