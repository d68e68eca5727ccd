use std::time::Duration;

use crate::projector::REFRESH_MAX;

/// The settings of a rebuild.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RebuildSettings {
    /// How long after its announcement a rebuild may be sure that every projector knows of it: at least their refresh
    /// time. Default: 75 s, which is more than any projector's refresh time can be.
    pub known_after: Duration,
    /// How many events are handled at once. Default: 200.
    pub events_at_once: usize,
    /// The most events per second. Default: as many as go.
    pub events_per_second_max: Option<u32>,
    /// How many rows of the events table are read at once. Default: 1000, or what fits into 1 MB.
    pub rows_per_page: u32,
    /// Whether the generation becomes active although some events could not be handled. Default: no.
    pub tolerates_parked: bool,
    /// How long after its last progress another may continue a rebuild. Default: 2 min.
    pub owned_for: Duration,
    /// How long the rows of a retired generation are kept, since a projector may still be writing some: longer than its
    /// refresh time and an invocation together. Default: 20 min.
    pub retired_for: Duration,
}

onecommit_environment::setters!(RebuildSettings {
    known_after: Duration,
    events_at_once: usize,
    events_per_second_max: Option<u32>,
    rows_per_page: u32,
    tolerates_parked: bool,
    owned_for: Duration,
    retired_for: Duration,
});

impl Default for RebuildSettings {
    fn default() -> Self {
        Self {
            known_after: REFRESH_MAX + Duration::from_secs(15),
            events_at_once: 200,
            events_per_second_max: None,
            rows_per_page: 1000,
            tolerates_parked: false,
            owned_for: Duration::from_secs(120),
            retired_for: Duration::from_secs(20 * 60),
        }
    }
}

/// The longest that a batch may have to be held back for.
const BATCH_SECONDS_MAX: usize = 10;

impl RebuildSettings {
    /// How many events are handled at once, so that none holds the rebuild back for long: it has to say in time that it
    /// is still at work.
    pub(super) fn batch(&self) -> usize {
        let per_second = self
            .events_per_second_max
            .map(|most| usize::try_from(most).unwrap_or(usize::MAX));
        let most = per_second.map_or(usize::MAX, |most| most.saturating_mul(BATCH_SECONDS_MAX));
        self.events_at_once.min(most).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_rebuild_takes_small_bites() {
        let pace = |most| RebuildSettings {
            events_per_second_max: most,
            ..RebuildSettings::default()
        };
        assert_eq!(
            [None, Some(1_000), Some(3), Some(0)].map(|most| pace(most).batch()),
            [200, 200, 30, 1]
        );
    }
}
