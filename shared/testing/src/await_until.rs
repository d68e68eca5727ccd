use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

/// How long to wait, and how often to look.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// When to give up.
    pub at_most: Duration,
    /// Between two looks.
    pub between_looks: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            at_most: Duration::from_secs(60),
            between_looks: Duration::from_millis(50),
        }
    }
}

/// Looks until what it sees is as wanted, and gives it back; returns as soon as it is.
///
/// # Errors
/// When patience ends: what was seen last.
pub async fn await_until<T: Debug, F: Future<Output = T>>(
    patience: Patience,
    mut look: impl FnMut() -> F,
    wanted: impl Fn(&T) -> bool,
) -> Result<T, T> {
    let give_up = tokio::time::Instant::now() + patience.at_most;
    loop {
        let seen = look().await;
        if wanted(&seen) {
            return Ok(seen);
        }
        if tokio::time::Instant::now() >= give_up {
            return Err(seen);
        }
        tokio::time::sleep(patience.between_looks).await;
    }
}
