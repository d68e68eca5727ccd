use std::time::Duration;

use super::schedule::FaultRates;

/// What is promised once faults stop: whatever a storm left behind, a fair core settles within bounds.
///
/// A search for broken promises looks at the end, however late it comes. A process that starts nothing any more, or a wait
/// that grows without a limit, breaks no such promise while others, or some day, do the work. Here every fault stops after
/// a while, of each group of processes that share a queue one goes on and the others may be gone for good, requests are
/// served in their order, and everything has to come to its end within so many steps and so much time of the world after
/// the last fault.
///
/// The idea, a core that is healed while the rest may stay broken, is that of TigerBeetle's simulator
/// (<https://tigerbeetle.com/blog/2023-07-06-simulation-testing-for-liveness>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liveness {
    /// After how many steps the storm is over.
    pub storm_steps: u64,
    /// What the storm is like.
    pub storm: FaultRates,
    /// In how many steps everything has to settle after it.
    pub settles_in_steps: u64,
    /// In how much time of the world.
    pub settles_in: Duration,
}

impl Default for Liveness {
    /// 60 steps, of which one in five meets a fault, four at most; then 1,500 steps and 40 minutes.
    fn default() -> Self {
        Self {
            storm_steps: 60,
            storm: FaultRates {
                faults_per_mille: 200,
                faults_max: 4,
            },
            settles_in_steps: 1_500,
            settles_in: Duration::from_secs(40 * 60),
        }
    }
}
