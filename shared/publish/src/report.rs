use onecommit_event::EventId;
use serde::Serialize;

use crate::destination::FailureKind;

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Published {
    /// The event.
    pub event_id: EventId,
    /// What became of it at each destination.
    pub destinations: Vec<Delivered>,
}

/// What became of one event at one destination.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Delivered {
    /// The destination, for example `sns`.
    pub destination: &'static str,
    /// How many requests carried the event there.
    pub attempts: u32,
    /// The id the destination gave it; absent when it was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Why it was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What has to change before it is taken; absent when it was.
    #[serde(skip)]
    pub blame: Option<FailureKind>,
}

impl Published {
    /// Whether every destination took it.
    #[must_use]
    pub fn everywhere(&self) -> bool {
        self.destinations.iter().all(|delivered| delivered.message_id.is_some())
    }

    /// What has to change before every destination takes it; absent when every one did. What may pass comes first: as
    /// long as one destination may still take it, the event is not given up.
    #[must_use]
    pub fn blame(&self) -> Option<FailureKind> {
        self.destinations.iter().filter_map(|delivered| delivered.blame).min()
    }

    /// What the destinations that did not take it said.
    #[must_use]
    pub fn errors(&self) -> String {
        let failed = self.destinations.iter().filter_map(|delivered| {
            let error = delivered.error.as_deref()?;
            Some(format!("{}: {error}", delivered.destination))
        });
        failed.collect::<Vec<_>>().join("; ")
    }

    /// Whether at least one destination took it.
    #[must_use]
    pub fn anywhere(&self) -> bool {
        self.destinations.iter().any(|delivered| delivered.message_id.is_some())
    }
}
