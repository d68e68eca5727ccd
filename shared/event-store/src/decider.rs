use onecommit_event::{Event, EventError, NewEvent};

/// An aggregate: what happens on a command, and what an event makes of the state
/// (the pattern of that name, <https://thinkbeforecoding.com/post/2021/12/17/functional-event-sourcing-decider>).
///
/// Both are plain functions of what they are given: no clock, no randomness, no I/O.
pub trait Decider {
    /// The `aggregateType` on the wire.
    const AGGREGATE_TYPE: &'static str;
    /// What is known of the aggregate; its default is one that does not exist yet.
    type State: Default;
    /// What may be asked of it.
    type Command;
    /// What may happen to it.
    type Event: DomainEvent;
    /// Why it refuses a command.
    type Rejection;

    /// What happens when `command` meets `state`: nothing, one event, or several.
    ///
    /// # Errors
    /// When the aggregate rejected the command.
    fn decide(state: &Self::State, command: &Self::Command) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// What `event` makes of `state`. It happened: it cannot be refused any more.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State;
}

/// The events of an aggregate, as one type; [`crate::domain_events!`] makes it from their payloads.
pub trait DomainEvent: Sized {
    /// The event as it goes into the store.
    ///
    /// # Errors
    /// When its payload cannot be written as JSON.
    fn to_new(&self) -> Result<NewEvent, EventError>;

    /// The event as it comes out of the store; `None` when its type is none of these.
    ///
    /// # Errors
    /// When its payload is not what its type promises.
    fn from_stored(event: &Event) -> Result<Option<Self>, EventError>;
}

/// An aggregate's state with the version it has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded<S> {
    /// The state.
    pub state: S,
    /// How many events made it; what [`onecommit_engine::Commit::append`] expects.
    pub version: u64,
}

/// Makes one enum of an aggregate's payload types, with its [`DomainEvent`] implementation and a `From` for each.
#[macro_export]
macro_rules! domain_events {
    ($(#[$meta:meta])* $visibility:vis enum $name:ident { $($variant:ident($payload:ty)),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "each variant holds the payload of its own name")]
        $visibility enum $name { $($variant($payload)),+ }

        impl $crate::DomainEvent for $name {
            fn to_new(
                &self,
            ) -> ::std::result::Result<$crate::onecommit_event::NewEvent, $crate::onecommit_event::EventError> {
                match self { $(Self::$variant(payload) => $crate::onecommit_event::NewEvent::of(payload)),+ }
            }

            fn from_stored(
                event: &$crate::onecommit_event::Event,
            ) -> ::std::result::Result<::std::option::Option<Self>, $crate::onecommit_event::EventError> {
                $(if event.event_type() == <$payload as $crate::onecommit_event::Payload>::EVENT_TYPE {
                    let decoded = event.decode::<$payload>()?;
                    return ::std::result::Result::Ok(::std::option::Option::Some(
                        Self::$variant(decoded.into_payload()),
                    ));
                })+
                ::std::result::Result::Ok(::std::option::Option::None)
            }
        }

        $(impl ::std::convert::From<$payload> for $name {
            fn from(payload: $payload) -> Self {
                Self::$variant(payload)
            }
        })+
    };
}
