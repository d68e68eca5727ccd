use std::time::Instant;

use super::member::{Member, Record};
use super::settings::Ejection;

/// Notes how a call to an instance ended, and leaves the instance out when it has failed too often in a row.
pub(super) fn note(members: &mut [Member], id: &str, has_failed: bool, settings: &Ejection, now: Instant) {
    let Some(place) = members.iter().position(|member| member.instance.id == id) else {
        return;
    };
    let record = &mut members[place].record;
    if has_failed {
        record.failures += 1;
        record.failures_in_row += 1;
    } else {
        record.successes += 1;
        record.failures_in_row = 0;
    }
    if record.failures_in_row >= settings.consecutive_failures {
        eject(members, place, settings, now);
    }
}

/// Leaves out those whose success rate is far below the others', and begins the next interval.
pub(super) fn end_interval(members: &mut [Member], settings: &Ejection, now: Instant) {
    let rates: Vec<Option<f64>> = members
        .iter()
        .map(|member| success_rate(&member.record, settings))
        .collect();
    let gap = f64::from(settings.success_rate_gap_percent) / 100.0;
    for place in 0..members.len() {
        let Some(own) = rates[place] else { continue };
        let others = || {
            rates
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != place)
                .filter_map(|(_, rate)| *rate)
        };
        let count = others().count();
        if count > 0 && own + gap < others().sum::<f64>() / count as f64 {
            eject(members, place, settings, now);
        }
    }
    for member in members {
        let record = &mut member.record;
        match record.ejected_until {
            Some(until) if now < until => {}
            // Back since this interval: what it does in the next tells.
            Some(_) => record.ejected_until = None,
            None => record.ejections = record.ejections.saturating_sub(1),
        }
        record.successes = 0;
        record.failures = 0;
    }
}

fn success_rate(record: &Record, settings: &Ejection) -> Option<f64> {
    let calls = record.successes + record.failures;
    (calls >= settings.calls_min.max(1)).then(|| f64::from(record.successes) / f64::from(calls))
}

/// Leaves an instance out, unless too many are already, or it is the last.
fn eject(members: &mut [Member], place: usize, settings: &Ejection, now: Instant) {
    let is_out = |member: &Member| member.is_ejected(now) || !member.is_healthy();
    let healthy = members.iter().filter(|member| member.is_healthy()).count();
    let ejected = members
        .iter()
        .filter(|member| member.is_healthy() && member.is_ejected(now))
        .count();
    let exceeds_share = (ejected + 1) * 100 > healthy * settings.share_max_percent;
    if is_out(&members[place]) || exceeds_share || ejected + 1 >= healthy {
        return;
    }
    let record = &mut members[place].record;
    record.ejections += 1;
    record.failures_in_row = 0;
    let time = settings
        .base_time
        .saturating_mul(record.ejections)
        .min(settings.time_max);
    record.ejected_until = now.checked_add(time);
}
