use std::time::Duration;

use super::balance::Balance;

/// How instances are found and chosen.
#[derive(Clone, Debug)]
pub struct DiscoverySettings {
    /// How the instance of a call is chosen: round robin if it is not set.
    pub balance: Balance,
    /// The caller's own zone: instances in it come first, as long as one of them can be called.
    pub zone: Option<String>,
    /// The least time between two questions to the registry, whatever time it gives its answers: 1 s if it is not set.
    pub refresh_at_least: Duration,
    /// The time between two questions where the registry gives none: 10 s if it is not set.
    pub refresh_every: Duration,
    /// The limit of one question, beside which a registry that waits for changes has its own: 5 s if it is not set.
    pub answer_within: Duration,
    /// How long the last instances are used while the registry does not answer, or knows none: 1 hour if it is not set.
    pub last_known_for: Duration,
    /// When an instance is left out because calls to it fail.
    pub ejection: Ejection,
}

impl Default for DiscoverySettings {
    fn default() -> Self {
        Self {
            balance: Balance::default(),
            zone: None,
            refresh_at_least: Duration::from_secs(1),
            refresh_every: Duration::from_secs(10),
            answer_within: Duration::from_secs(5),
            last_known_for: Duration::from_secs(3_600),
            ejection: Ejection::default(),
        }
    }
}

/// When an instance is left out, after Envoy's and gRPC's outlier detection
/// (<https://github.com/grpc/proposal/blob/master/A50-xds-outlier-detection.md>).
///
/// A success rate is compared with the mean of the other instances, and not by standard deviations: among four instances,
/// the one that fails half of its calls widens the deviation by which it would be measured.
#[derive(Clone, Copy, Debug)]
pub struct Ejection {
    /// Failures in a row: 5 if it is not set.
    pub consecutive_failures: u32,
    /// How much lower than the others' mean a success rate may be, in percent: 20 if it is not set.
    pub success_rate_gap_percent: u32,
    /// The calls that an instance needs within an interval to be compared: 20 if it is not set.
    pub calls_min: u32,
    /// The interval over which success rates are counted: 10 s if it is not set.
    pub interval: Duration,
    /// How long an instance is left out, times the number of times it was: 30 s if it is not set.
    pub base_time: Duration,
    /// The longest that an instance is left out: 5 minutes if it is not set.
    pub time_max: Duration,
    /// The share of all instances that may be left out, in percent: 50 if it is not set. The last one never is.
    pub share_max_percent: usize,
}

impl Default for Ejection {
    fn default() -> Self {
        Self {
            consecutive_failures: 5,
            success_rate_gap_percent: 20,
            calls_min: 20,
            interval: Duration::from_secs(10),
            base_time: Duration::from_secs(30),
            time_max: Duration::from_secs(300),
            share_max_percent: 50,
        }
    }
}
