use onecommit_environment::{Random, SeededRandom};
use onecommit_sealing::{NoRandomness, SecretRandom};

/// Keys and nonces that are the same for the same seed, so that a simulation can be repeated. No secret at all.
#[derive(Debug)]
pub struct SeededSecrets(SeededRandom);

impl SeededSecrets {
    /// Starts at `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(SeededRandom::new(seed))
    }
}

impl SecretRandom for SeededSecrets {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.0.bits().to_be_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}
