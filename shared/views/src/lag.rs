/// How far behind a view is, as its projector saw it last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lag {
    /// Milliseconds from an event's timestamp to the moment when the view showed it; the most of a batch.
    pub behind_ms: u64,
    /// When that was, in milliseconds since 1970.
    pub handled_at_ms: i64,
}
