use uuid::{Builder, Uuid};

use crate::{Clock, Random};

/// Makes UUIDv7 ids (RFC 9562, section 5.7): they sort by the millisecond they were made in.
pub struct Ids<'a> {
    clock: &'a dyn Clock,
    random: &'a dyn Random,
}

impl<'a> Ids<'a> {
    pub(crate) fn new(clock: &'a dyn Clock, random: &'a dyn Random) -> Self {
        Self { clock, random }
    }

    /// A new id.
    #[must_use]
    pub fn next(&self) -> Uuid {
        let milliseconds = u64::try_from(self.clock.now().unix_ms()).unwrap_or(0);
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&self.random.bits().to_be_bytes());
        bytes[8..].copy_from_slice(&self.random.bits().to_be_bytes()[..2]);
        Builder::from_unix_timestamp_millis(milliseconds, &bytes).into_uuid()
    }
}
