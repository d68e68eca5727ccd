use std::sync::atomic::{AtomicU64, Ordering};

/// A source of randomness.
pub trait Random: Send + Sync {
    /// 64 random bits.
    fn bits(&self) -> u64;

    /// A whole number from 0 to `most`, both included.
    fn up_to(&self, most: u64) -> u64 {
        // The high half of a 128-bit product spreads 64 bits over the range with a bias below 2^-64 * range.
        ((u128::from(self.bits()) * (u128::from(most) + 1)) >> 64) as u64
    }
}

/// The operating system's randomness, fit for ids and jitter.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn bits(&self) -> u64 {
        // A version 4 id is 122 random bits from the operating system; xor folds the fixed bits away.
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        high ^ low.rotate_left(32)
    }
}

/// The same numbers for the same seed: splitmix64 (Steele, Lea, Flood, OOPSLA 2014). Never for secrets.
#[derive(Debug)]
pub struct SeededRandom(AtomicU64);

impl SeededRandom {
    /// Starts at `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Random for SeededRandom {
    fn bits(&self) -> u64 {
        const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut mixed = self.0.fetch_add(GAMMA, Ordering::Relaxed).wrapping_add(GAMMA);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_range_and_reach_both_ends() {
        let random = SeededRandom::new(7);
        let drawn: Vec<u64> = (0..1_000).map(|_| random.up_to(3)).collect();
        assert!((0..=3).all(|number| drawn.contains(&number)));
        assert!(drawn.iter().all(|number| *number <= 3));
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let (one, two) = (SeededRandom::new(42), SeededRandom::new(42));
        assert!((0..100).all(|_| one.bits() == two.bits()));
    }
}
