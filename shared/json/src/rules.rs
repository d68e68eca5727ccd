//! The limits of what travels every route.

/// The deepest nesting of objects and lists. `serde_json` reads 127, and EventBridge, SNS and a CloudEvent put some around
/// an event.
pub const DEPTH_MAX: usize = 100;
/// The most significant digits of a number. Routes that write JSON anew may keep no more: Jackson, which many are built
/// with, reads numbers of up to 1000 characters.
pub const DIGITS_MAX: usize = 900;

/// How strict a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// For what has travelled already: of a member that is written twice the last one counts.
    Travelled,
    /// For requests whose sender can still correct them: a member that is written twice is refused by name. Around what
    /// travels there may be some objects and lists more.
    Request,
}

impl Rules {
    pub(crate) fn depth_max(self) -> usize {
        match self {
            Self::Travelled => DEPTH_MAX,
            Self::Request => DEPTH_MAX + 10,
        }
    }
}
