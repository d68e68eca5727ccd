//! The requests to a saga, as events. The event's aggregate is the saga: type the definition's name, id the saga's.

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
    /// A deadline has passed. Sent by the sweeper; it changes nothing if the saga has changed since.
    SagaDeadlineReached {
        /// The version of the saga's row that was due.
        version: u64,
        /// When it was due, RFC 3339 in UTC.
        deadline: String
    }

    /// A call is due. Sent by the orchestrator to itself.
    SagaCallDue {
        /// The step.
        step: String,
        /// Whether the call undoes it.
        undo: bool,
        /// The number of the call, from 1; another one after each refusal.
        number: u32
    }

    /// An echo: sent by a saga to itself on the path of its commands and answers. Its arrival shows that messages travel.
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

    /// Repeat failing steps, now and with all their attempts.
    SagaRetryRequested {
        /// This step only; all of them when there is none.
        #[serde(default)]
        step: Option<String>,
        /// Why.
        reason: String
    }

    /// Continue without failing steps.
    SagaSkipRequested {
        /// This step only; all of them when there is none.
        #[serde(default)]
        step: Option<String>,
        /// Why.
        reason: String
    }

    /// The saga that needs attention was resolved by hand: it ends here.
    SagaResolved {
        /// How.
        reason: String
    }
}

/// Whether events of this type are asked of sagas by operators and by sagas themselves, so that no one else may publish them.
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
