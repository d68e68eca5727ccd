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
/// let upcasters = Upcasters::default().and("OrderCreated", 1, |mut payload| {
///     payload["currency"] = "EUR".into();
///     Ok(payload)
/// });
/// ```
#[derive(Default)]
pub struct Upcasters {
    steps: HashMap<(String, u32), Box<Step>>,
}

type Step = dyn Fn(Value) -> Result<Value, String> + Send + Sync;

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
    /// When a step fails.
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
            serde_json::from_str(event.payload().get()).map_err(|problem| error(version, problem.to_string()))?;
        while let Some(step) = self.steps.get(&key(version)) {
            payload = step(payload).map_err(|problem| error(version, problem))?;
            version += 1;
        }
        let raw = to_raw_value(&payload).map_err(|problem| error(version, problem.to_string()))?;
        Ok(event.with_payload(raw, version))
    }
}
