use onecommit_engine::Verdict;

/// One verdict on a delivery that several engines handled: it comes back if it has to come back to one of them, and is
/// parked once if one of them cannot handle it. Those that were done with it absorb what comes again.
pub(super) fn merged<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> Verdict {
    let mut merged = &Verdict::Ignored;
    for verdict in verdicts {
        let outweighs = match (verdict, merged) {
            (Verdict::Retry { after, .. }, Verdict::Retry { after: other, .. }) => after > other,
            (one, other) => weight(one) > weight(other),
        };
        if outweighs {
            merged = verdict;
        }
    }
    merged.clone()
}

fn weight(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Ignored => 0,
        Verdict::Duplicate => 1,
        Verdict::Done => 2,
        Verdict::Park { .. } => 3,
        Verdict::Retry { .. } => 4,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use onecommit_engine::{ParkReason, RetryReason};

    use super::*;

    fn retry(seconds: u64) -> Verdict {
        Verdict::Retry {
            after: Duration::from_secs(seconds),
            reason: RetryReason::SequenceGap,
            error: String::new(),
        }
    }

    fn park() -> Verdict {
        Verdict::Park {
            reason: ParkReason::Rejected,
            error: String::new(),
        }
    }

    #[test]
    fn what_one_view_still_needs_comes_back_before_it_is_parked_for_another() {
        assert_eq!(
            merged([&Verdict::Done, &retry(1), &park(), &retry(9)].into_iter()),
            retry(9)
        );
        assert_eq!(
            merged([&Verdict::Duplicate, &park(), &Verdict::Done].into_iter()),
            park()
        );
        assert_eq!(merged([&Verdict::Ignored, &Verdict::Done].into_iter()), Verdict::Done);
        assert_eq!(
            merged([&Verdict::Duplicate, &Verdict::Ignored].into_iter()),
            Verdict::Duplicate
        );
        assert_eq!(merged([].into_iter()), Verdict::Ignored);
    }

    #[test]
    fn of_verdicts_alike_the_first_gives_the_reason() {
        let other_park = Verdict::Park {
            reason: ParkReason::SequenceJump,
            error: String::new(),
        };
        assert_eq!(merged([&park(), &other_park].into_iter()), park());
        let other_retry = Verdict::Retry {
            after: Duration::from_secs(9),
            reason: RetryReason::RaceLost,
            error: String::new(),
        };
        assert_eq!(merged([&retry(9), &other_retry].into_iter()), retry(9));
    }
}
