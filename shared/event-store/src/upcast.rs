use std::collections::HashMap;
use std::fmt;

use onecommit_event::Event;
use serde_json::Value;
use serde_json::value::to_raw_value;

/// Brings payloads of older schema versions to the newest, one version at a time, when they are read. What is stored
/// never changes.
///
/// ```
/// # use onecommit_event_store::Upcasters;
/// let upcasters = Upcasters::default().and("ParcelShipped", 1, |mut payload| {
///     payload["carrier"] = "DHL".into();
///     Ok(payload)
/// });
/// ```
#[derive(Default)]
pub struct Upcasters {
    steps: HashMap<(String, u32), Box<Step>>,
}

type Step = dyn Fn(Value) -> Result<Value, String> + Send + Sync;

/// What serde says of it may quote the payload.
const NO_JSON: &str = "its payload cannot be read or written as JSON";

/// Why a payload could not be brought to the next version.
#[derive(Debug, PartialEq, Eq)]
pub struct UpcastError {
    event_type: String,
    from_version: u32,
    problem: String,
}

impl fmt::Display for UpcastError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            event_type,
            from_version,
            problem,
        } = self;
        write!(formatter, "{event_type} of schema version {from_version}: {problem}")
    }
}

impl std::error::Error for UpcastError {}

impl Upcasters {
    /// With the step from `from_version` of an event type to the version after it.
    #[must_use]
    pub fn and(
        mut self,
        event_type: &str,
        from_version: u32,
        step: impl Fn(Value) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Self {
        self.steps.insert((event_type.to_owned(), from_version), Box::new(step));
        self
    }

    /// The event with its payload as new as the steps reach.
    ///
    /// # Errors
    /// When a step fails, or the payload has a number that [`Value`] would round: steps see numbers as 64-bit integers and
    /// doubles, and nothing may change that no step changed.
    pub fn bring_up(&self, event: Event) -> Result<Event, UpcastError> {
        let mut version = event.metadata().schema_version;
        let key = |version| (event.event_type().to_owned(), version);
        if self.steps.is_empty() || !self.steps.contains_key(&key(version)) {
            return Ok(event);
        }
        let error = |from_version, problem: String| UpcastError {
            event_type: event.event_type().to_owned(),
            from_version,
            problem,
        };
        let mut payload: Value =
            serde_json::from_str(event.payload().get()).map_err(|_| error(version, NO_JSON.to_owned()))?;
        let seen = to_raw_value(&payload).map_err(|_| error(version, NO_JSON.to_owned()))?;
        if event.clone().with_payload(seen, version).fingerprint() != event.fingerprint() {
            let problem = "a number in its payload has more digits than an upcaster can process; upcast it by hand";
            return Err(error(version, problem.to_owned()));
        }
        while let Some(step) = self.steps.get(&key(version)) {
            payload = step(payload).map_err(|problem| error(version, problem))?;
            version += 1;
        }
        let raw = to_raw_value(&payload).map_err(|_| error(version, NO_JSON.to_owned()))?;
        Ok(event.with_payload(raw, version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(payload: &str) -> Event {
        let text = format!(
            r#"{{"eventId":"01a21fa5-2d8c-7e4d-9b22-b60081124812","eventType":"Priced","aggregateType":"Order",
            "aggregateId":"o-1","timestamp":"2026-01-01T00:00:00.000Z","metadata":{{"correlationId":"c","causationId":"c","schemaVersion":1}},
            "payload":{payload}}}"#
        );
        Event::from_json(&text).unwrap()
    }

    fn upcasters() -> Upcasters {
        Upcasters::default().and("Priced", 1, |mut payload| {
            payload["currency"] = "EUR".into();
            Ok(payload)
        })
    }

    #[test]
    fn what_no_step_changes_stays_as_it_was() {
        let newer = upcasters()
            .bring_up(event(r#"{"minor":9007199254740993,"rate":0.1}"#))
            .unwrap();
        assert_eq!(newer.metadata().schema_version, 2);
        assert_eq!(
            newer.payload().get(),
            r#"{"currency":"EUR","minor":9007199254740993,"rate":0.1}"#
        );
    }

    #[test]
    fn a_number_that_a_step_cannot_see_whole_is_an_error_and_not_rounded() {
        for number in ["0.12345678901234567890123", "123456789012345678901234567890"] {
            let problem = upcasters()
                .bring_up(event(&format!("{{\"rate\":{number}}}")))
                .unwrap_err();
            assert!(problem.to_string().contains("more digits"), "{problem}");
        }
    }
}
