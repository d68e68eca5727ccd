use std::time::{Duration, Instant};

const SLOTS: usize = 10;

/// Calls, failures and slow calls of the last while, in tenths of it.
#[derive(Debug)]
pub(crate) struct Window {
    slot: Duration,
    started: Instant,
    newest: u64,
    counts: [Counts; SLOTS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) calls: u64,
    pub(crate) failures: u64,
    pub(crate) slow: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.failures += other.failures;
        self.slow += other.slow;
    }
}

impl Window {
    pub(crate) fn new(length: Duration, now: Instant) -> Self {
        Self {
            slot: (length / SLOTS as u32).max(Duration::from_micros(100)),
            started: now,
            newest: 0,
            counts: [Counts::default(); SLOTS],
        }
    }

    pub(crate) fn add(&mut self, counts: Counts, now: Instant) {
        self.move_to(now);
        self.counts[(self.newest % SLOTS as u64) as usize].add(counts);
    }

    pub(crate) fn sum(&mut self, now: Instant) -> Counts {
        self.move_to(now);
        let mut sum = Counts::default();
        self.counts.iter().for_each(|counts| sum.add(*counts));
        sum
    }

    pub(crate) fn clear(&mut self) {
        self.counts = [Counts::default(); SLOTS];
    }

    fn move_to(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.started).as_nanos() / self.slot.as_nanos();
        let slot = u64::try_from(passed).unwrap_or(u64::MAX);
        let steps = slot.saturating_sub(self.newest).min(SLOTS as u64);
        for step in 1..=steps {
            self.counts[((self.newest + step) % SLOTS as u64) as usize] = Counts::default();
        }
        if slot > self.newest {
            // More than a whole window later, every slot was emptied above, whichever number they had.
            self.newest = slot;
        }
    }
}
