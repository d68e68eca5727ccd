use std::time::Duration;

/// What an answer may be. What exceeds a limit ends the call with a typed error.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of the body, in bytes: 1 MiB if it is not set.
    pub body_bytes_max: usize,
    /// Of all header names and values together, in bytes: 16 KiB if it is not set.
    pub header_bytes_max: usize,
    /// Between two parts of the body: 2 s if it is not set. The call's own time limit holds beside it, and ends a body that
    /// comes in drips.
    pub silence_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 1 << 20,
            header_bytes_max: 16 << 10,
            silence_max: Duration::from_secs(2),
        }
    }
}
