use std::fmt;
use std::time::Duration;

use onecommit_event::EventId;

/// What became of one delivery.
///
/// Whoever settles deliveries has to do something for each verdict, so a further one should not compile unnoticed: this is
/// not `#[non_exhaustive]`. The reasons are.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Its commit succeeded.
    Done,
    /// It had been handled before; nothing changed.
    Duplicate,
    /// Its type has no handler, and the consumer ignores such events.
    Ignored,
    /// It is redelivered.
    Retry {
        /// When, at the earliest.
        after: Duration,
        /// Why.
        reason: RetryReason,
        /// In words.
        error: String,
    },
    /// It goes to the dead-letter queue.
    Park {
        /// Why.
        reason: ParkReason,
        /// In words.
        error: String,
    },
}

impl Verdict {
    /// A message that is to be redelivered waits for at least so long.
    pub(crate) fn no_sooner_than(self, least: Duration) -> Self {
        match self {
            Self::Retry { after, reason, error } => Self::Retry {
                after: after.max(least),
                reason,
                error,
            },
            other => other,
        }
    }

    /// Whether the work on the message came to its end, so that the time it took says something.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Self::Retry { .. })
    }

    pub(crate) fn park(reason: ParkReason, error: impl fmt::Display) -> Self {
        Self::Park {
            reason,
            error: error.to_string(),
        }
    }

    pub(crate) fn retry(after: Duration, reason: RetryReason, error: impl fmt::Display) -> Self {
        Self::Retry {
            after,
            reason,
            error: error.to_string(),
        }
    }
}

/// The verdict on a message whose event was handled before, by whether the record says the same of it.
pub(crate) fn copy_verdict(id: EventId, says_the_same: bool) -> Verdict {
    if says_the_same {
        Verdict::Duplicate
    } else {
        contradiction(id)
    }
}

fn contradiction(id: EventId) -> Verdict {
    let error =
        format!("event {id} was handled before with another type, aggregate or payload; an id belongs to one event");
    Verdict::park(ParkReason::ContradictsHandled, error)
}

macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$variant_doc])* $variant),* }

        impl $name {
            /// The name as written in attributes, logs and metrics.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

reasons! {
    /// Why a message was parked.
    ParkReason {
        /// The body is not JSON, or not a JSON object.
        MalformedBody,
        /// None of the accepted forms, or one of them without its event.
        InvalidEnvelope,
        /// The event misses a field, or one has the wrong type or content.
        InvalidEvent,
        /// The payload is not what its event type promises.
        InvalidPayload,
        /// The event type has no handler, and the consumer's policy is to park such events.
        UnknownEventType,
        /// The schema version is newer than this code knows.
        UnknownSchemaVersion,
        /// The timestamp is further in the future than a wrong clock explains.
        FutureTimestamp,
        /// The view wants the event's sequence, and it has none.
        MissingSequence,
        /// An earlier event of its aggregate did not arrive.
        SequenceGap,
        /// A guarded call was made, and its outcome cannot be found out.
        CallOutcomeUnknown,
        /// The payload of its claim check cannot be fetched.
        PayloadUnavailable,
        /// Another event with this id was handled before.
        ContradictsHandled,
        /// A destination does not accept the event.
        DestinationRefused,
        /// The handler rejected it.
        Rejected,
        /// The handler panicked every time.
        HandlerPanicked,
        /// The handler did not finish in time, every time.
        HandlerTimedOut,
        /// The handler failed every time.
        HandlerFailed,
        /// The handler's commit exceeds the limits of a transaction.
        InvalidCommit,
        /// The commit's conditions failed every time.
        ConditionFailed,
        /// The database refused the commit every time.
        CommitRefused,
        /// The event is older than the ledger remembers, so whether it was handled cannot be known.
        OlderThanTheLedger,
        /// Its sequence is further from the one its view has seen than any stream gets.
        SequenceJump,
    }
}

reasons! {
    /// Why a message is redelivered.
    RetryReason {
        /// The handler failed.
        HandlerFailed,
        /// The handler panicked.
        HandlerPanicked,
        /// The handler did not finish in time.
        HandlerTimedOut,
        /// The commit's conditions failed, also on fresh reads of rows that had not changed.
        ConditionFailed,
        /// The database refused the commit because of its content.
        CommitRefused,
        /// The commit lost the race for its rows to others.
        RaceLost,
        /// The database was unavailable, throttled, or denies access.
        DatabaseUnavailable,
        /// Another dependency of the handler was unavailable.
        Unavailable,
        /// The store of large payloads was unavailable.
        PayloadUnavailable,
        /// Its payload exceeds the memory left for payloads of its batch.
        PayloadTooLargeForNow,
        /// Its timestamp is further ahead of this clock than clocks should differ: one of the two is off for a while.
        AheadOfClock,
        /// An earlier event of its aggregate has to be handled first.
        SequenceGap,
        /// Another delivery of the message holds the lease.
        Leased,
        /// The lease was lost before the commit.
        LeaseLost,
        /// A call ended without an answer; the probe will be asked for its outcome.
        CallOutcomeUnknown,
        /// There was no time left to start it.
        NotStarted,
        /// It was started late in an invocation, which ended before the handler did.
        CutShort,
        /// An earlier message of its group has to be handled first.
        HeldBack,
    }
}

impl RetryReason {
    /// Why a message is parked that has failed like this too often.
    ///
    /// `None` for trouble that is not the message's own: of that, no number says anything about the message.
    pub(crate) fn own_fault(self) -> Option<ParkReason> {
        match self {
            Self::HandlerFailed => Some(ParkReason::HandlerFailed),
            Self::HandlerPanicked => Some(ParkReason::HandlerPanicked),
            Self::HandlerTimedOut => Some(ParkReason::HandlerTimedOut),
            Self::ConditionFailed => Some(ParkReason::ConditionFailed),
            Self::CommitRefused => Some(ParkReason::CommitRefused),
            Self::RaceLost
            | Self::DatabaseUnavailable
            | Self::Unavailable
            | Self::PayloadUnavailable
            | Self::PayloadTooLargeForNow
            | Self::AheadOfClock
            | Self::SequenceGap
            | Self::Leased
            | Self::LeaseLost
            | Self::CallOutcomeUnknown
            | Self::NotStarted
            | Self::CutShort
            | Self::HeldBack => None,
        }
    }

    /// Whether something that the message needs did not do its part.
    pub(crate) fn is_outage(self) -> bool {
        matches!(
            self,
            Self::DatabaseUnavailable | Self::Unavailable | Self::PayloadUnavailable | Self::CallOutcomeUnknown
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry(after: Duration) -> Verdict {
        Verdict::retry(after, RetryReason::HandlerFailed, "it failed")
    }

    #[test]
    fn what_is_redelivered_has_not_come_to_its_end() {
        assert!(!retry(Duration::ZERO).is_final());
        let parked = Verdict::park(ParkReason::Rejected, "no");
        for verdict in [Verdict::Done, Verdict::Duplicate, Verdict::Ignored, parked] {
            assert!(verdict.is_final(), "{verdict:?}");
        }
    }

    #[test]
    fn a_wait_is_raised_to_the_least_and_never_lowered() {
        let [one, two] = [1, 2].map(Duration::from_secs);
        assert_eq!(retry(one).no_sooner_than(two), retry(two));
        assert_eq!(retry(two).no_sooner_than(one), retry(two));
        assert_eq!(Verdict::Done.no_sooner_than(two), Verdict::Done);
    }

    #[test]
    fn only_trouble_of_a_message_itself_ever_parks_it() {
        for (reason, parks_as, is_outage) in [
            (RetryReason::HandlerFailed, Some(ParkReason::HandlerFailed), false),
            (RetryReason::HandlerPanicked, Some(ParkReason::HandlerPanicked), false),
            (RetryReason::HandlerTimedOut, Some(ParkReason::HandlerTimedOut), false),
            (RetryReason::ConditionFailed, Some(ParkReason::ConditionFailed), false),
            (RetryReason::CommitRefused, Some(ParkReason::CommitRefused), false),
            (RetryReason::RaceLost, None, false),
            (RetryReason::Leased, None, false),
            (RetryReason::DatabaseUnavailable, None, true),
            (RetryReason::Unavailable, None, true),
            (RetryReason::PayloadUnavailable, None, true),
            (RetryReason::CallOutcomeUnknown, None, true),
        ] {
            assert_eq!(reason.own_fault(), parks_as, "{reason}");
            assert_eq!(reason.is_outage(), is_outage, "{reason}");
        }
    }
}
