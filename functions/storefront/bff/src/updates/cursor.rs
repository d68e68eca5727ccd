use std::fmt;

use axum::http::HeaderMap;

use crate::services::Order;

/// How far a client has seen an order: `VERSION-STATUS`, the `id` of an event. A request that nobody placed yet has the
/// version 0 whatever becomes of it, so the version alone would not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    version: u64,
    status: String,
}

/// The header by which `EventSource` says what it has seen.
const LAST_EVENT_ID: &str = "last-event-id";

impl Cursor {
    pub(crate) fn of(order: &Order) -> Self {
        Self {
            version: order.version,
            status: order.status.clone(),
        }
    }

    /// What a client says that it has seen. What no event had as its id is as good as nothing: the order is sent as it is.
    pub(crate) fn seen_by(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(LAST_EVENT_ID)?.to_str().ok()?;
        let (version, status) = text.split_once('-')?;
        Some(Self {
            version: version.parse().ok()?,
            status: status.to_owned(),
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.version, self.status)
    }
}
