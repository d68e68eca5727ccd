use std::fmt;
use std::time::Duration;

/// When a circuit opens, for how long, and how it is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitSettings {
    /// Opens after so many failures one after the other.
    pub consecutive_failures: u32,
    /// Opens when so many percent of the calls in the window failed.
    pub failure_percent: u32,
    /// Opens when so many percent of the calls in the window were slow.
    pub slow_percent: u32,
    /// A call that takes at least this long is slow.
    pub slow_after: Duration,
    /// With fewer calls in the window, no share of them opens the circuit.
    pub calls_min: u32,
    /// The window of the shares.
    pub window: Duration,
    /// How long the circuit is open the first time; doubles each time that it opens again before it has closed.
    pub open_for: Duration,
    /// The longest that it is open.
    pub open_max: Duration,
    /// How many calls try the downstream at once when the circuit is half-open.
    pub permits: u32,
    /// How long such a call may take: its permit ends then, whatever became of the call.
    pub permit_lease: Duration,
    /// How many of these calls have to succeed before the circuit closes.
    pub successes: u32,
    /// How long a failed call waits, once a second at most, for its report to the fleet; zero for not at all. It makes the
    /// others stop earlier, and is not lost when the process is frozen after its answer.
    pub report_wait: Duration,
}

impl Default for CircuitSettings {
    /// 5 failures one after the other; half of at least 20 calls in 10 s failed; nine tenths of them took 5 s or longer. Open
    /// for 30 s, 10 min at most; 3 permits of 30 s; closed after 3 successes. A failed call waits 100 ms for its report.
    fn default() -> Self {
        Self {
            consecutive_failures: 5,
            failure_percent: 50,
            slow_percent: 90,
            slow_after: Duration::from_secs(5),
            calls_min: 20,
            window: Duration::from_secs(10),
            open_for: Duration::from_secs(30),
            open_max: Duration::from_secs(600),
            permits: 3,
            permit_lease: Duration::from_secs(30),
            successes: 3,
            report_wait: Duration::from_millis(100),
        }
    }
}

/// A setting with which a circuit could not open, or not close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitSettingsFault {
    name: &'static str,
    needs: &'static str,
}

impl CircuitSettingsFault {
    pub(crate) fn of_name() -> Self {
        Self {
            name: "name",
            needs: "from 1 to 512 bytes long, without control characters",
        }
    }
}

impl fmt::Display for CircuitSettingsFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the setting {} of a circuit has to be {}",
            self.name, self.needs
        )
    }
}

impl std::error::Error for CircuitSettingsFault {}

impl CircuitSettings {
    /// Whether a circuit can work so.
    ///
    /// # Errors
    /// The first setting with which it cannot.
    pub fn check(&self) -> Result<(), CircuitSettingsFault> {
        const ONE: &str = "at least 1";
        const PERCENT: &str = "from 1 to 100";
        const TIME: &str = "from 1 ms to a day";
        let is_time = |time: Duration| (Duration::from_millis(1)..=Duration::from_secs(24 * 3600)).contains(&time);
        let is_percent = |percent: u32| (1..=100).contains(&percent);
        let checks = [
            ("consecutive_failures", self.consecutive_failures >= 1, ONE),
            ("failure_percent", is_percent(self.failure_percent), PERCENT),
            ("slow_percent", is_percent(self.slow_percent), PERCENT),
            ("slow_after", is_time(self.slow_after), TIME),
            ("calls_min", self.calls_min >= 1, ONE),
            ("window", is_time(self.window), TIME),
            ("open_for", is_time(self.open_for), TIME),
            (
                "open_max",
                is_time(self.open_max) && self.open_max >= self.open_for,
                "open_for at least, a day at most",
            ),
            ("permits", (1..=100).contains(&self.permits), "from 1 to 100"),
            ("permit_lease", is_time(self.permit_lease), TIME),
            ("successes", self.successes >= 1, ONE),
        ];
        match checks.into_iter().find(|(_, holds, _)| !holds) {
            Some((name, _, needs)) => Err(CircuitSettingsFault { name, needs }),
            None => Ok(()),
        }
    }

    /// How long the circuit is open after it has opened `before` times without closing.
    pub(crate) fn open_for(&self, before: u32) -> Duration {
        self.open_for.saturating_mul(1 << before.min(16)).min(self.open_max)
    }

    /// Whether so many calls, failures and slow calls open a circuit.
    pub(crate) fn is_too_much(&self, calls: u64, failures: u64, slow: u64) -> bool {
        calls >= u64::from(self.calls_min)
            && (failures * 100 >= calls * u64::from(self.failure_percent)
                || slow * 100 >= calls * u64::from(self.slow_percent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        let good = CircuitSettings::default;
        assert_eq!(good().check(), Ok(()));
        let bad = [
            (
                "consecutive_failures",
                CircuitSettings {
                    consecutive_failures: 0,
                    ..good()
                },
            ),
            (
                "failure_percent",
                CircuitSettings {
                    failure_percent: 0,
                    ..good()
                },
            ),
            (
                "slow_percent",
                CircuitSettings {
                    slow_percent: 101,
                    ..good()
                },
            ),
            ("calls_min", CircuitSettings { calls_min: 0, ..good() }),
            (
                "window",
                CircuitSettings {
                    window: Duration::ZERO,
                    ..good()
                },
            ),
            (
                "open_for",
                CircuitSettings {
                    open_for: Duration::MAX,
                    ..good()
                },
            ),
            (
                "open_max",
                CircuitSettings {
                    open_max: Duration::from_secs(1),
                    ..good()
                },
            ),
            ("permits", CircuitSettings { permits: 0, ..good() }),
            ("successes", CircuitSettings { successes: 0, ..good() }),
        ];
        for (name, settings) in bad {
            let fault = settings.check().map_err(|fault| fault.to_string());
            assert!(fault.is_err_and(|fault| fault.contains(name)), "{name}");
        }
    }

    #[test]
    fn the_time_open_doubles_up_to_the_longest() {
        let settings = CircuitSettings::default();
        let seconds: Vec<u64> = (0..7).map(|before| settings.open_for(before).as_secs()).collect();
        assert_eq!(seconds, [30, 60, 120, 240, 480, 600, 600]);
        assert_eq!(settings.open_for(u32::MAX), settings.open_max);
    }
}
