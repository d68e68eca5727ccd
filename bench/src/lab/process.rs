//! What a process has used so far, from the kernel.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

/// A process's use of the machine since it started.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// User and system time of all its threads, those that ended too.
    pub(crate) cpu: Duration,
    /// Voluntary and forced context switches of the threads that live.
    pub(crate) context_switches: u64,
    /// The most memory it ever had resident.
    pub(crate) peak_rss_kib: u64,
}

impl Usage {
    /// Of the process with this id.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        Ok(Self {
            cpu: cpu_time(pid)?,
            context_switches: context_switches(pid)?,
            peak_rss_kib: status_number(&status(&pid.to_string(), None)?, "VmHWM:"),
        })
    }
}

/// The process's own clock: exact, where the ticks in `/proc/PID/stat` count in hundredths of a second.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration> {
    let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(pid.cast_signed())).context("the process has no clock")?;
    Ok(clock_gettime(clock)?.into())
}

fn context_switches(pid: u32) -> Result<u64> {
    let mut switches = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?.file_name().to_string_lossy().into_owned();
        let text = status(&pid.to_string(), Some(&thread)).unwrap_or_default();
        switches +=
            status_number(&text, "voluntary_ctxt_switches:") + status_number(&text, "nonvoluntary_ctxt_switches:");
    }
    Ok(switches)
}

fn status(pid: &str, thread: Option<&str>) -> Result<String> {
    let path = match thread {
        Some(thread) => format!("/proc/{pid}/task/{thread}/status"),
        None => format!("/proc/{pid}/status"),
    };
    fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
}

fn status_number(status: &str, label: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(label));
    line.and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_something() {
        let usage = Usage::of(std::process::id()).unwrap_or_default();
        assert!(usage.cpu > Duration::ZERO && usage.peak_rss_kib > 0);
    }

    #[test]
    fn labels_are_matched_from_the_start_of_the_line() {
        let status = "nonvoluntary_ctxt_switches:\t7\nvoluntary_ctxt_switches:\t5\n";
        assert_eq!(status_number(status, "voluntary_ctxt_switches:"), 5);
    }
}
