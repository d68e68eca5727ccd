//! The forms in which an event may arrive in a message's body.

use std::borrow::Cow;

use onecommit_environment::Timestamp;
use onecommit_json::Object;
use serde_json::value::RawValue;

use crate::cloudevents;
use crate::error::EventError;
use crate::event::Event;
use crate::wire::object_of;

/// How an event was wrapped when it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Route {
    /// The event itself: sent to the queue directly, or by SNS with raw message delivery.
    Bare,
    /// In an SNS notification.
    Sns,
    /// As the detail of an EventBridge event.
    EventBridge,
    /// In a CloudEvents 1.0 structured-mode JSON event.
    CloudEvents,
}

/// An event with the form it arrived in.
#[derive(Clone, Debug)]
pub struct Received {
    /// The event.
    pub event: Event,
    /// The outermost form around it.
    pub route: Route,
}

/// The most envelopes around an event: an SNS notification of what EventBridge sent to the topic, which may be a
/// CloudEvents event.
const ENVELOPES_MAX: u8 = 3;

impl Received {
    /// Reads the body of a queue message in any accepted form.
    ///
    /// ```
    /// # use onecommit_event::{EventErrorKind, Received};
    /// let error = Received::from_body("{ not json").unwrap_err();
    /// assert_eq!(error.kind(), EventErrorKind::MalformedBody);
    /// ```
    ///
    /// # Errors
    /// When the body is not JSON, has none of the accepted forms, or the event inside is not valid.
    pub fn from_body(body: &str) -> Result<Self, EventError> {
        read(object_of(body)?, ENVELOPES_MAX, None)
    }
}

/// `envelopes` more may be opened; the last one that was says that it was sent at `sent`.
fn read(object: Object<'_>, envelopes: u8, sent: Option<Timestamp>) -> Result<Received, EventError> {
    let has = |name: &str| object.get(name).is_some();
    let route = match () {
        () if has("eventId") => Route::Bare,
        () if has("specversion") => Route::CloudEvents,
        () if has("detail-type") || has("detail") => Route::EventBridge,
        () if has("TopicArn") || has("Message") => Route::Sns,
        () => return not_an_envelope(object),
    };
    if envelopes == 0 && route != Route::Bare {
        let problem = format!("the event is wrapped in more than {ENVELOPES_MAX} envelopes");
        return Err(EventError::envelope(problem));
    }
    let event = match route {
        Route::Bare => Event::from_object(object)?,
        Route::CloudEvents => cloudevents::read(object, sent)?,
        Route::EventBridge => {
            let sent = time_in(&object, "time").or(sent);
            read(detail_of(&object)?, envelopes - 1, sent)?.event
        }
        Route::Sns => {
            let sent = time_in(&object, "Timestamp").or(sent);
            read(object_of(&sns_message(&object)?)?, envelopes - 1, sent)?.event
        }
    };
    Ok(Received { event, route })
}

fn detail_of<'a>(object: &Object<'a>) -> Result<Object<'a>, EventError> {
    let detail = object.get("detail");
    let detail = detail.ok_or_else(|| EventError::envelope("an EventBridge event without a detail"))?;
    if !detail.get().starts_with('{') {
        return Err(EventError::envelope(
            "an EventBridge event whose detail is not an object",
        ));
    }
    object_of(detail.get())
}

fn sns_message<'a>(object: &Object<'a>) -> Result<Cow<'a, str>, EventError> {
    let message = object.get("Message");
    let message = message.ok_or_else(|| EventError::envelope("an SNS notification without a Message"))?;
    let text: String = onecommit_json::from_raw(message)
        .map_err(|_| EventError::envelope("an SNS notification whose Message is not a text"))?;
    Ok(Cow::Owned(text))
}

/// The time in an envelope. It stands in for one that the event does not have, so no envelope has to have one.
fn time_in(object: &Object<'_>, name: &str) -> Option<Timestamp> {
    let text: fn(&RawValue) -> Option<String> = |raw| onecommit_json::from_raw(raw).ok();
    Timestamp::parse(&text(object.get(name)?)?).ok()
}

/// A bare event that lacks its id deserves to hear so; anything else is none of the accepted forms.
fn not_an_envelope(object: Object<'_>) -> Result<Received, EventError> {
    if object.get("eventType").is_some() {
        let event = Event::from_object(object)?;
        return Ok(Received {
            event,
            route: Route::Bare,
        });
    }
    Err(EventError::envelope(
        "none of the accepted forms: an SNS notification, an EventBridge event, a CloudEvents 1.0 event, or the domain \
         event itself",
    ))
}
