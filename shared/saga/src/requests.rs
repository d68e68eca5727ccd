//! What can be asked of a saga, as events. The event's aggregate is the saga: type the definition's name, id the saga's.

use onecommit_event::Payload;
use serde::{Deserialize, Serialize};

macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name { $($(#[$field_doc])* pub $field: $type),* }

        impl Payload for $name {
            const EVENT_TYPE: &'static str = stringify!($name);
        }
    )*};
}

payloads! {
    /// Something was due. The sweeper says so; it changes nothing when the saga has moved on since.
    SagaDeadlineReached {
        /// The version of the saga's row that was due.
        version: u64,
        /// When it was due, RFC 3339 in UTC.
        deadline: String
    }

    /// A step is a call, and it is time to make it. The orchestrator says so to itself.
    SagaCallDue {
        /// The step.
        step: String,
        /// Whether the call undoes it.
        undo: bool,
        /// The number of the call, from 1; another one after each refusal.
        number: u32
    }

    /// Sent by a saga to itself, the way its commands and their answers go. Once it is back, that way was open.
    SagaEcho {
        /// The step whose answer has not come.
        step: String,
        /// Whether it is the answer to what undoes the step.
        undo: bool,
        /// The number of the command that it was sent after.
        number: u32
    }

    /// Cancel the saga, if its pivot has not succeeded yet. One that has not started yet is cancelled as soon as it does.
    SagaCancelRequested {
        /// Why.
        reason: String
    }

    /// Try again what keeps failing, now and with all its attempts.
    SagaRetryRequested {
        /// This step only; all of them when there is none.
        #[serde(default)]
        step: Option<String>,
        /// Why.
        reason: String
    }

    /// Go on without what keeps failing.
    SagaSkipRequested {
        /// This step only; all of them when there is none.
        #[serde(default)]
        step: Option<String>,
        /// Why.
        reason: String
    }

    /// The saga that needs attention was put right by hand: it ends here.
    SagaResolved {
        /// How.
        reason: String
    }
}

/// Whether events of this type are asked of sagas by operators and by sagas themselves, so that nobody else may publish them.
#[must_use]
pub fn is_reserved(event_type: &str) -> bool {
    RESERVED.contains(&event_type)
}

/// The event types of this module.
pub(crate) const RESERVED: [&str; 7] = [
    SagaDeadlineReached::EVENT_TYPE,
    SagaCallDue::EVENT_TYPE,
    SagaEcho::EVENT_TYPE,
    SagaCancelRequested::EVENT_TYPE,
    SagaRetryRequested::EVENT_TYPE,
    SagaSkipRequested::EVENT_TYPE,
    SagaResolved::EVENT_TYPE,
];
