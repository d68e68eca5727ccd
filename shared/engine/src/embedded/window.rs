use std::ops::RangeInclusive;
use std::time::Duration;

use onecommit_environment::Timestamp;

use crate::ledger::Ledger;
use crate::value::Item;

/// How long marks are kept, in periods, and which sets they are in.
///
/// ```text
/// period       k-5      k-4      k-3      k-2      k-1       k       k+1
/// at k       removed ├─────────────────────── looked into ──────────────────┤
///                                                           added to
///                                                                    those of a clock that is ahead
/// ```
///
/// An event that is handled at `h`, by the clock of its consumer, has copies that are accepted until `h` + retention, by the
/// clock of theirs ([`Ledger`] has the reason). What has removed the set may have been ahead of that clock, and what has added
/// to it ahead as well, each by twice the clock skew at most. So a set is removed when four times the clock skew, and a margin,
/// have passed beyond that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// How many periods a set is kept after its own.
    periods: u64,
}

/// How long one set takes marks. A part of the format of rows: it never changes.
const PERIOD: Duration = Duration::from_secs(8 * 24 * 3600);
/// The most periods: a condition that names more sets comes too close to DynamoDB's limit of 4 KB for an expression.
const PERIODS_MAX: u64 = 52;
/// Beyond what clocks differ by.
const MARGIN: Duration = Duration::from_secs(3600);
/// How many sets before the oldest that is needed a write removes: a row may have rested meanwhile.
const REMOVED: u64 = 8;
/// What the names of all attributes begin with that hold marks.
const PREFIX: &str = "_m";
/// Until when the ledger has to be asked of events of this row, in seconds since 1970.
pub(crate) const SPILLED_UNTIL: &str = "_ms";

impl Window {
    /// For a ledger that remembers for so long; marks are kept as long as its rows, or for as long as they can be.
    pub(crate) fn of(ledger: &Ledger, clock_skew: Duration) -> Self {
        let kept_for = ledger.retention().max(Ledger::RETENTION);
        let kept_for = kept_for.saturating_add(of_clocks(clock_skew));
        let periods = kept_for.as_millis().div_ceil(PERIOD.as_millis());
        Self {
            periods: u64::try_from(periods).unwrap_or(u64::MAX).min(PERIODS_MAX),
        }
    }

    /// The longest that marks can be kept for, whatever the ledger does: 416 days, less what clocks differ by.
    pub(crate) fn longest(clock_skew: Duration) -> Duration {
        let most = PERIOD.saturating_mul(u32::try_from(PERIODS_MAX).unwrap_or(u32::MAX));
        most.saturating_sub(of_clocks(clock_skew))
    }

    /// The set that marks are added to.
    pub(crate) fn current(self, now: Timestamp) -> String {
        name(period_at(now))
    }

    /// The sets that may hold a mark of an event that is still accepted.
    pub(crate) fn live(self, now: Timestamp) -> impl Iterator<Item = String> {
        self.live_periods(now).map(name)
    }

    /// The sets to remove, and those among them that a row shows which has rested for longer.
    pub(crate) fn expired(self, now: Timestamp, row: Option<&Item>) -> impl Iterator<Item = String> {
        let oldest = *self.live_periods(now).start();
        let usual = oldest.saturating_sub(REMOVED)..oldest;
        let shown = row.into_iter().flat_map(Item::keys).filter_map(|name| period_of(name));
        let shown: Vec<u64> = shown.filter(|period| *period < usual.start).collect();
        usual.chain(shown).map(name)
    }

    /// Until when the ledger has to be asked, in seconds since 1970, when an event is recorded there now.
    pub(crate) fn spilled_until(self, now: Timestamp) -> i64 {
        now.plus(PERIOD.saturating_mul(u32::try_from(self.periods).unwrap_or(u32::MAX)))
            .unix_seconds()
    }

    /// Whether a set of this name holds marks that count.
    pub(crate) fn is_live(self, now: Timestamp, attribute: &str) -> bool {
        period_of(attribute).is_some_and(|period| self.live_periods(now).contains(&period))
    }

    fn live_periods(self, now: Timestamp) -> RangeInclusive<u64> {
        let current = period_at(now);
        current.saturating_sub(self.periods)..=current + 1
    }
}

/// What sets are kept for beyond the retention.
fn of_clocks(clock_skew: Duration) -> Duration {
    clock_skew.saturating_mul(4).saturating_add(MARGIN)
}

fn period_at(now: Timestamp) -> u64 {
    u64::try_from(now.unix_ms()).unwrap_or(0) / PERIOD.as_millis() as u64
}

fn name(period: u64) -> String {
    format!("{PREFIX}{period}")
}

/// The period whose marks an attribute holds, if it holds any.
fn period_of(attribute: &str) -> Option<u64> {
    let number = attribute.strip_prefix(PREFIX)?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| number.parse().ok()).flatten()
}

/// Whether an attribute holds marks.
pub(crate) fn is_set(attribute: &str) -> bool {
    period_of(attribute).is_some()
}

/// Whether an attribute belongs to the record of handling, and no handler may change it.
pub(crate) fn is_reserved(attribute: &str) -> bool {
    is_set(attribute) || attribute == SPILLED_UNTIL
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::write::Table;

    const DAY_MS: i64 = 24 * 3600 * 1000;
    const SKEW: Duration = Duration::from_secs(15 * 60);

    fn window(days: u32) -> Window {
        let ledger = Ledger::new(Table::new("ledger")).keep_for(Duration::from_secs(u64::from(days) * 24 * 3600));
        Window::of(&ledger, SKEW)
    }

    #[test]
    fn a_month_takes_six_sets_of_which_four_are_past() {
        let now = Timestamp::from_unix_ms(8 * DAY_MS * 2598 + 1);
        let live: Vec<String> = window(30).live(now).collect();
        assert_eq!(live, ["_m2594", "_m2595", "_m2596", "_m2597", "_m2598", "_m2599"]);
        assert_eq!(window(30).current(now), "_m2598");
        let expired: Vec<String> = window(30).expired(now, None).collect();
        assert_eq!((expired.len(), &*expired[0], &*expired[7]), (8, "_m2586", "_m2593"));
    }

    #[test]
    fn a_shorter_retention_changes_nothing_about_rows() {
        assert_eq!(window(1), window(30));
        assert!(window(60).periods > window(30).periods);
    }

    #[test]
    fn marks_are_kept_for_a_year_at_most() {
        assert_eq!(window(5_000).periods, PERIODS_MAX);
        assert!(Window::longest(SKEW) > Duration::from_secs(415 * 24 * 3600));
        assert_eq!(Window::longest(Duration::MAX), Duration::ZERO);
    }

    #[test]
    fn only_marks_are_reserved() {
        for (name, is) in [
            ("_m1", true),
            ("_ms", true),
            ("_m", false),
            ("_m1x", false),
            ("_ms1", false),
        ] {
            assert_eq!(is_reserved(name), is, "{name}");
        }
        // No period, but a name that only this code has any use for.
        assert!(!is_reserved("m2598") && !is_reserved("_max"));
    }

    #[test]
    fn a_row_that_has_rested_shows_more_to_remove() {
        let now = Timestamp::from_unix_ms(8 * DAY_MS * 2598);
        let row = Item::from(["_m12", "_m2597", "_m2590", "_ms", "total"].map(|name| (name.to_owned(), 1.into())));
        let expired: Vec<String> = window(30).expired(now, Some(&row)).collect();
        assert_eq!(expired.iter().filter(|name| *name == "_m12").count(), 1);
        assert_eq!(expired.iter().filter(|name| *name == "_m2590").count(), 1);
        assert!(!expired.contains(&"_m2597".to_owned()));
    }

    proptest! {
        /// Three processes, whose clocks differ by up to the skew, handle an event, write to the row at some time after, and get
        /// a copy after that: as long as the copy is accepted, its mark is there and is looked for.
        #[test]
        fn no_mark_is_missed_that_is_needed(
            handled_ms in 0..400 * DAY_MS,
            days in 1_u32..450,
            between in 0.0..1.0,
            after in 0.0..1.0,
            skews_ms in prop::array::uniform3(-900_000..900_000_i64),
        ) {
            let window = window(days);
            let retention = Duration::from_secs(u64::from(days) * 24 * 3600).min(Window::longest(SKEW));
            let read = |real: i64, clock: usize| Timestamp::from_unix_ms(1_600_000_000_000 + real + skews_ms[clock]);
            let set = window.current(read(handled_ms, 0));
            // The copy's own clock decides whether it is accepted.
            let latest = retention.as_millis() as i64 + skews_ms[0] - skews_ms[2];
            let copied_ms = handled_ms + (latest.max(0) as f64 * after) as i64;
            let written_ms = handled_ms + ((copied_ms - handled_ms) as f64 * between) as i64;
            let removed: Vec<String> = window.expired(read(written_ms, 1), None).collect();
            prop_assert!(!removed.contains(&set), "{set} was removed");
            let live: Vec<String> = window.live(read(copied_ms, 2)).collect();
            prop_assert!(live.contains(&set), "{set} is not among {live:?}");
        }

        /// The same of an event in the ledger: the row says so for as long.
        #[test]
        fn no_row_returns_from_the_ledger_early(
            handled_ms in 0..400 * DAY_MS,
            days in 1_u32..450,
            after in 0.0..1.0,
            skews_ms in prop::array::uniform3(-900_000..900_000_i64),
        ) {
            let window = window(days);
            let retention = Duration::from_secs(u64::from(days) * 24 * 3600).min(Window::longest(SKEW));
            let read = |real: i64, clock: usize| Timestamp::from_unix_ms(1_600_000_000_000 + real + skews_ms[clock]);
            let latest = retention.as_millis() as i64 + skews_ms[0] - skews_ms[2];
            let copied_ms = handled_ms + (latest.max(0) as f64 * after) as i64;
            // Another process may have set it last, by its own clock.
            for recorder in [0, 1] {
                let until = window.spilled_until(read(handled_ms, recorder));
                prop_assert!(until >= read(copied_ms, 2).unix_seconds());
                prop_assert!(until >= read(copied_ms, 1).unix_seconds());
            }
        }
    }
}
