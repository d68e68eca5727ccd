use ring::rand::{SecureRandom, SystemRandom};

/// Where keys and nonces come from.
///
/// A port of its own, because the randomness of an [`onecommit_environment::Environment`] promises ids and jitter, not
/// secrets. A simulation hands in one that repeats itself.
pub trait SecretRandom: Send + Sync {
    /// Fills `bytes` with unpredictable random bytes.
    ///
    /// # Errors
    /// When none are available; nothing is sealed then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// No random bytes are available.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system returned no random bytes")]
pub struct NoRandomness;

/// The operating system's cryptographic randomness.
#[derive(Clone, Debug)]
pub struct SystemSecrets(SystemRandom);

impl Default for SystemSecrets {
    fn default() -> Self {
        Self(SystemRandom::new())
    }
}

impl SecretRandom for SystemSecrets {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        self.0.fill(bytes).map_err(|_| NoRandomness)
    }
}
