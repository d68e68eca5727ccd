//! Decides what producers from outside may publish: events of allowed types, without fields that others own.

use std::collections::BTreeSet;
use std::fmt;

use onecommit_event::Event;

/// What the publisher accepts from outside.
///
/// Contexts and sagas trust events of the store; one from outside must not look like such an event. So types are an
/// allow-list, which is empty at first; only the event store assigns a position in a stream; and the user is the caller
/// that AWS reports, never one that a body names.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    event_types: BTreeSet<String>,
    direct_user_id: Option<String>,
}

/// Who sent a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caller<'a> {
    /// A caller of the API, with the identity that API Gateway reports; none on an API without authentication.
    OverTheApi(Option<&'a str>),
    /// A principal that may invoke the function.
    Direct,
}

/// Why an event is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    TypeNotAllowed,
    ReservedType,
    Sequence,
    UserId,
    Identity,
}

/// An allow-list with a type that may not be published from outside, or with an empty one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAdmission(String);

impl Admission {
    /// Takes events of these types, separated by commas; none when there are none.
    ///
    /// # Errors
    /// When an entry is empty, or a type that people and sagas send to sagas.
    pub fn of_types(list: &str) -> Result<Self, InvalidAdmission> {
        let event_types: BTreeSet<String> = match list.trim() {
            "" => BTreeSet::new(),
            list => list.split(',').map(|name| name.trim().to_owned()).collect(),
        };
        if event_types.contains("") {
            return Err(InvalidAdmission(
                "a list of event types without empty entries".to_owned(),
            ));
        }
        match event_types.iter().find(|name| onecommit_saga::is_reserved(name)) {
            Some(reserved) => Err(InvalidAdmission(format!(
                "a list without {reserved}, which only operators and sagas may send"
            ))),
            None => Ok(Self {
                event_types,
                direct_user_id: None,
            }),
        }
    }

    /// The user of events that are published by direct invocation; without it they have none.
    #[must_use]
    pub fn with_direct_user_id(mut self, user_id: Option<String>) -> Self {
        self.direct_user_id = user_id;
        self
    }

    /// The event as it may be published: under the identity of its sender.
    pub(crate) fn admit(&self, event: Event, caller: Caller<'_>) -> Result<Event, Refusal> {
        if onecommit_saga::is_reserved(event.event_type()) {
            return Err(Refusal::ReservedType);
        }
        if !self.event_types.contains(event.event_type()) {
            return Err(Refusal::TypeNotAllowed);
        }
        if event.metadata().sequence.is_some() {
            return Err(Refusal::Sequence);
        }
        if event.metadata().user_id.is_some() {
            return Err(Refusal::UserId);
        }
        let user_id = match caller {
            Caller::OverTheApi(identity) => identity,
            Caller::Direct => self.direct_user_id.as_deref(),
        };
        let user_id = user_id.map(str::to_owned);
        event.on_behalf_of(user_id).map_err(|_| Refusal::Identity)
    }
}

impl Refusal {
    /// The word in answers and logs.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::TypeNotAllowed => "EventTypeNotAllowed",
            Self::ReservedType => "ReservedEventType",
            Self::Sequence | Self::UserId => "ForbiddenField",
            Self::Identity => "UnusableIdentity",
        }
    }

    /// The path of the field that is to blame.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::TypeNotAllowed | Self::ReservedType => "eventType",
            Self::Sequence => "metadata.sequence",
            Self::UserId | Self::Identity => "metadata.userId",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remedy = match self {
            Self::TypeNotAllowed => {
                "producers from outside may not publish this type; use an allowed type, call the context that owns it through \
                 its API, or have it added to OUTSIDE_EVENT_TYPES (the template's OutsideEventTypes)"
            }
            Self::ReservedType => "only operators and sagas may send this; use `operator sagas`",
            Self::Sequence => "only the event store assigns positions; leave the field out",
            Self::UserId => "the publisher writes the caller's identity here; leave the field out",
            Self::Identity => {
                "the identity of the caller is too long or contains a control character; call as a role or a user \
                 with a shorter ARN"
            }
        };
        write!(formatter, "{}: {remedy}", self.field())
    }
}

impl fmt::Display for InvalidAdmission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for InvalidAdmission {}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(event_type: &str, metadata: &str) -> Event {
        let json = format!(
            r#"{{"eventId":"0192f0c1-0000-7000-8000-000000000001","eventType":"{event_type}","aggregateId":"a",
            "aggregateType":"A","timestamp":"2026-11-22T07:00:00Z","payload":{{}},
            "metadata":{{"correlationId":"c","causationId":"c"{metadata}}}}}"#
        );
        Event::from_request(&json).unwrap()
    }

    fn refused(admission: &Admission, event: Event) -> Refusal {
        admission.admit(event, Caller::OverTheApi(None)).unwrap_err()
    }

    #[test]
    fn without_a_list_every_type_is_refused() {
        for admission in [Admission::default(), Admission::of_types(" ").unwrap()] {
            assert_eq!(refused(&admission, event("ParcelShipped", "")), Refusal::TypeNotAllowed);
        }
    }

    #[test]
    fn only_listed_types_are_accepted() {
        let admission = Admission::of_types("ParcelShipped, ParcelReturned").unwrap();
        for event_type in ["ParcelShipped", "ParcelReturned"] {
            assert!(admission.admit(event(event_type, ""), Caller::Direct).is_ok());
        }
        for event_type in ["ParcelLost", "parcelshipped", "ParcelShipped,ParcelReturned"] {
            assert_eq!(refused(&admission, event(event_type, "")), Refusal::TypeNotAllowed);
        }
    }

    #[test]
    fn reserved_types_and_fields_are_refused_by_name() {
        let admission = Admission::of_types("A").unwrap();
        for (event, refusal, field) in [
            (event("SagaCancelRequested", ""), Refusal::ReservedType, "eventType"),
            (event("A", r#","sequence":7"#), Refusal::Sequence, "metadata.sequence"),
            (
                event("A", r#","userId":"ceo@shop""#),
                Refusal::UserId,
                "metadata.userId",
            ),
        ] {
            let found = refused(&admission, event);
            assert_eq!((found, found.field()), (refusal, field));
            assert!(found.to_string().starts_with(field), "{found}");
        }
    }

    #[test]
    fn an_event_gets_the_identity_of_its_caller() {
        let admission = Admission::of_types("A").unwrap();
        let told = admission.clone().with_direct_user_id(Some("importer".to_owned()));
        let role = "arn:aws:sts::111122223333:assumed-role/shop/7";
        for (admission, caller, user_id) in [
            (&admission, Caller::OverTheApi(Some(role)), Some(role)),
            (&admission, Caller::OverTheApi(None), None),
            (&admission, Caller::Direct, None),
            (&told, Caller::Direct, Some("importer")),
            (&told, Caller::OverTheApi(None), None),
        ] {
            let admitted = admission.admit(event("A", ""), caller).unwrap();
            assert_eq!(admitted.metadata().user_id.as_deref(), user_id, "{caller:?}");
        }
    }

    #[test]
    fn an_identity_that_fits_into_no_event_is_refused() {
        let admission = Admission::of_types("A").unwrap();
        let long = "x".repeat(1_000);
        let refused = admission.admit(event("A", ""), Caller::OverTheApi(Some(&long)));
        assert_eq!(refused.unwrap_err(), Refusal::Identity);
    }

    #[test]
    fn a_list_with_what_nobody_outside_may_publish_is_refused() {
        for (list, words) in [("A,,B", "empty"), ("A,SagaResolved", "SagaResolved"), (",", "empty")] {
            let error = Admission::of_types(list).unwrap_err().to_string();
            assert!(error.contains(words), "{list}: {error}");
        }
    }
}
