//! How much of the machine somebody else used while something was measured.

use std::fs;

use anyhow::{Context, Result};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use crate::lab::process::cpu_time;

/// `/proc/stat` counts in hundredths of a second everywhere Linux runs today.
const TICKS_PER_SECOND: f64 = 100.0;
/// Above this share timings say more about the neighbours.
const QUIET_MAX: f64 = 0.05;

/// The processors at some moment.
#[derive(Debug, Clone, Copy)]
struct Reading {
    total: f64,
    busy: f64,
    ours: f64,
}

/// Watches the machine from its making on.
#[derive(Debug)]
pub(crate) struct Watch {
    service: Option<u32>,
    start: Reading,
}

impl Watch {
    /// `service` is a process of ours that lives longer than the watch.
    pub(crate) fn start(service: Option<u32>) -> Result<Self> {
        Ok(Self {
            service,
            start: Reading::take(service)?,
        })
    }

    /// What others used, as a sentence for the results.
    pub(crate) fn in_words(&self) -> Result<String> {
        let share = self.others_share()?;
        let verdict = if share > QUIET_MAX {
            " - **not a quiet machine, so times are too long**"
        } else {
            ""
        };
        Ok(format!(
            "Meanwhile other programs used {:.0} % of the processors{verdict}.",
            share * 100.0
        ))
    }

    fn others_share(&self) -> Result<f64> {
        let now = Reading::take(self.service)?;
        let others = (now.busy - self.start.busy) - (now.ours - self.start.ours);
        Ok((others / (now.total - self.start.total).max(1.0 / TICKS_PER_SECOND)).max(0.0))
    }
}

impl Reading {
    fn take(service: Option<u32>) -> Result<Self> {
        let stat = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
        let (total, busy) = totals(stat.lines().next().unwrap_or_default());
        let service = service.map(cpu_time).transpose()?.unwrap_or_default();
        let ours = usage(UsageWho::RUSAGE_SELF)? + usage(UsageWho::RUSAGE_CHILDREN)? + service.as_secs_f64();
        Ok(Self { total, busy, ours })
    }
}

/// Seconds of all processors together, and those not idle, from the first line of `/proc/stat`.
fn totals(line: &str) -> (f64, f64) {
    const IDLE_AND_IOWAIT: [usize; 2] = [3, 4];
    const GUEST_IS_IN_USER: usize = 8;
    let ticks = line
        .split_whitespace()
        .skip(1)
        .take(GUEST_IS_IN_USER)
        .map(|field| field.parse().unwrap_or(0.0));
    let ticks: Vec<f64> = ticks.collect();
    let total: f64 = ticks.iter().sum();
    let idle: f64 = IDLE_AND_IOWAIT.iter().filter_map(|&field| ticks.get(field)).sum();
    (total / TICKS_PER_SECOND, (total - idle) / TICKS_PER_SECOND)
}

/// Of this process, or of those it started that have ended.
fn usage(who: UsageWho) -> Result<f64> {
    let usage = getrusage(who)?;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_waiting_is_not_busy_and_guests_are_not_counted_twice() {
        assert_eq!(totals("cpu 100 0 100 600 200 0 0 0 50 0"), (10.0, 2.0));
    }
}
