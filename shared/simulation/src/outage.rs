use std::time::Duration;

/// Something that does not work from one moment to another, for everybody who needs it: a fault that lasts.
///
/// Unlike a [`Fault`](super::Fault) it is not chosen by a schedule but set by whoever makes the world, with
/// [`World::outage`](super::World::outage).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// What does not work.
    pub target: Target,
    /// In which way.
    pub trouble: Trouble,
    /// When it begins, from the beginning of the world.
    pub begins: Duration,
    /// How long it lasts.
    pub lasts: Duration,
}

/// What an outage takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A table, for reads and writes; a transaction that has one of its rows fails as a whole.
    Table(String),
    /// A topic or a bus: nothing can be published.
    Topic(String),
    /// A queue: its messages cannot be had, deleted or delayed.
    Queue(String),
    /// The dead-letter queue of a queue: nothing can be parked.
    DeadLetters(String),
    /// A bucket: payloads can be neither left nor claimed.
    Bucket(String),
    /// A system that is not ours.
    Outside(String),
    /// One process, by its name, or all that share the name's beginning up to the `/`: none of its requests gets through.
    Process(String),
}

/// In which way something does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The sender learns at once that the request did not arrive.
    Unreachable,
    /// No answer comes. Whoever asks AWS stops waiting after 5 s, as a client with its default settings does; whoever calls
    /// an outside system waits until the outage ends, its own limit is over, or somebody stops the call.
    Silent,
    /// The answer is: too many requests.
    Throttled,
    /// The wall clock of a [`Target::Process`] is so many milliseconds ahead of the right time, or behind it.
    ClockOff(i64),
}

/// How long a client waits for an answer from AWS.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

impl Outage {
    /// When it ends.
    #[must_use]
    pub fn ends(&self) -> Duration {
        self.begins.saturating_add(self.lasts)
    }

    pub(crate) fn is_at(&self, now: Duration) -> bool {
        self.begins <= now && now < self.ends()
    }

    /// Whether it keeps requests of this process from arriving, whatever they are for.
    pub(crate) fn cuts_off(&self, process: &str) -> bool {
        !matches!(self.trouble, Trouble::ClockOff(_)) && self.is_of(process)
    }

    /// How far off it sets the clock of this process.
    pub(crate) fn clock_offset_ms(&self, process: &str) -> Option<i64> {
        match self.trouble {
            Trouble::ClockOff(offset_ms) if self.is_of(process) => Some(offset_ms),
            _ => None,
        }
    }

    fn is_of(&self, process: &str) -> bool {
        let Target::Process(name) = &self.target else {
            return false;
        };
        let kind = process.split_once('/').map_or(process, |(kind, _)| kind);
        name == process || name == kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_ends_and_is_of_its_own_process() {
        let outage = Outage {
            target: Target::Process("relay".to_owned()),
            trouble: Trouble::ClockOff(5),
            begins: Duration::from_secs(1),
            lasts: Duration::from_secs(2),
        };
        let at = |seconds| outage.is_at(Duration::from_secs(seconds));
        assert_eq!([at(0), at(1), at(2), at(3)], [false, true, true, false]);
        assert_eq!(outage.clock_offset_ms("relay/2"), Some(5));
        assert_eq!(outage.clock_offset_ms("relays/2"), None);
        assert!(!outage.cuts_off("relay/2"));
    }
}
