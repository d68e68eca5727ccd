use onecommit_engine::{Item, Value};
use onecommit_environment::Timestamp;
use onecommit_event::{Aggregate, EventId};
use serde::{Deserialize, Serialize};

use crate::attributes::{CANCELLATION, Reader, written};
use crate::error::SagaError;
use crate::transition::Cause;

/// Somebody wants a saga cancelled whose start has not come: queues keep no order, and a start that met an outage may come
/// an hour later. It lies where the saga's row will be, so that the start cannot miss it.
#[derive(Clone, Debug)]
pub(crate) struct EarlyCancellation {
    request: Request,
    pub(crate) revision: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    event_id: EventId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    at: String,
}

impl EarlyCancellation {
    pub(crate) fn of(cause: &Cause) -> Self {
        let request = Request {
            event_id: cause.event_id,
            by: cause.by.clone(),
            reason: cause.detail.clone(),
            at: cause.now.to_string(),
        };
        let revision = cause.revision.clone();
        Self { request, revision }
    }

    /// What it causes once the saga has started.
    pub(crate) fn cause(&self, now: Timestamp, revision: String) -> Cause {
        Cause {
            event_id: self.request.event_id,
            by: self.request.by.clone(),
            detail: self.request.reason.clone(),
            now,
            revision,
        }
    }

    /// Reads a row; `None` when it is a saga's.
    pub(crate) fn in_item(item: &Item) -> Result<Option<Self>, SagaError> {
        if !item.contains_key(CANCELLATION) {
            return Ok(None);
        }
        let reader = Reader::of(item)?;
        let (request, revision) = (reader.json(CANCELLATION)?, reader.text("revision")?.to_owned());
        Ok(Some(Self { request, revision }))
    }

    /// The attributes but the key.
    pub(crate) fn to_item(&self, saga: &Aggregate) -> Result<Item, SagaError> {
        Ok([
            ("definition", Value::from(saga.kind())),
            ("revision", (&self.revision).into()),
            (CANCELLATION, written(&self.request)?),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into())
    }
}
