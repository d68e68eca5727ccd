//! Medians and percentiles of what was measured.

use std::time::Duration;

/// The smallest sample that at least `percent` of all samples do not exceed (nearest rank); zero without samples.
pub(crate) fn percentile(samples: &[Duration], percent: f64) -> Duration {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// The sample in the middle.
pub(crate) fn median(samples: &[Duration]) -> Duration {
    percentile(samples, 50.0)
}

/// Milliseconds with a fraction.
pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_by_nearest_rank() {
        let samples: Vec<_> = (1..=10).rev().map(Duration::from_millis).collect();
        assert_eq!(median(&samples), Duration::from_millis(5));
        assert_eq!(percentile(&samples, 90.0), Duration::from_millis(9));
        assert_eq!(percentile(&samples, 99.0), Duration::from_millis(10));
    }

    #[test]
    fn no_samples_are_no_time() {
        assert_eq!(median(&[]), Duration::ZERO);
    }
}
