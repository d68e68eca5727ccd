//! The forms in which an event may arrive in a message's body.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cloudevents;
use crate::error::EventError;
use crate::event::Event;

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

/// Only the fields that tell the forms apart, and only as text: what is inside is read once, later.
#[derive(Deserialize)]
struct Probe<'a> {
    #[serde(borrow, rename = "eventId")]
    event_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "specversion")]
    spec_version: Option<&'a RawValue>,
    #[serde(borrow, rename = "detail-type")]
    detail_type: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    #[serde(borrow, rename = "TopicArn")]
    topic_arn: Option<&'a RawValue>,
    #[serde(borrow, rename = "Message")]
    message: Option<&'a RawValue>,
}

/// An SNS notification may hold what EventBridge sent to the topic, and that is as deep as AWS nests.
const DEPTH_MAX: u8 = 3;

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
    /// When the body is no JSON, has none of the accepted forms, or the event inside is not valid.
    pub fn from_body(body: &str) -> Result<Self, EventError> {
        read(body, DEPTH_MAX)
    }
}

fn read(body: &str, depth: u8) -> Result<Received, EventError> {
    if depth == 0 {
        return Err(EventError::envelope(
            "the event is wrapped in more than three envelopes",
        ));
    }
    let probe: Probe<'_> = serde_json::from_str(body).map_err(|error| EventError::malformed(&error))?;
    if probe.event_id.is_some() {
        Ok(Received {
            event: Event::from_json(body)?,
            route: Route::Bare,
        })
    } else if probe.spec_version.is_some() {
        Ok(Received {
            event: cloudevents::read(body)?,
            route: Route::CloudEvents,
        })
    } else if probe.detail_type.is_some() || probe.detail.is_some() {
        let detail = probe
            .detail
            .ok_or_else(|| EventError::envelope("an EventBridge event without a detail"))?;
        Ok(Received {
            event: read(detail.get(), depth - 1)?.event,
            route: Route::EventBridge,
        })
    } else if probe.topic_arn.is_some() || probe.message.is_some() {
        let message = probe
            .message
            .ok_or_else(|| EventError::envelope("an SNS notification without a Message"))?;
        Ok(Received {
            event: read(&sns_message(message)?, depth - 1)?.event,
            route: Route::Sns,
        })
    } else {
        not_an_envelope(body)
    }
}

fn sns_message(message: &RawValue) -> Result<Cow<'_, str>, EventError> {
    let text: String = serde_json::from_str(message.get())
        .map_err(|_| EventError::envelope("an SNS notification whose Message is no text"))?;
    Ok(Cow::Owned(text))
}

/// A bare event that lacks its id deserves to hear so; anything else that it is no form of ours.
fn not_an_envelope(body: &str) -> Result<Received, EventError> {
    match Event::from_json(body) {
        Err(error) if body.contains("\"eventType\"") => Err(error),
        _ => Err(EventError::envelope(
            "none of the accepted forms: an SNS notification, an EventBridge event, a CloudEvents 1.0 event, or the \
             domain event itself",
        )),
    }
}
