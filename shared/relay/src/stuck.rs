use std::collections::HashSet;

use onecommit_engine::{DatabaseError, EventLog, Item, PENDING, PENDING_INDEX, STUCK, TableReader, Value};

use crate::record::key_in;

/// An event that could neither leave nor be parked. The events after it in its stream wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckEvent {
    /// Its stream.
    pub stream: String,
    /// Its version in the stream.
    pub version: u64,
    /// When it happened.
    pub timestamp: String,
}

/// The events that are stuck, the oldest first, and `most` of them at most: of each stream the first, whose others wait for it.
///
/// # Errors
/// When the table does not answer.
pub async fn stuck_events(
    rows: &dyn TableReader,
    log: &EventLog,
    most: usize,
) -> Result<Vec<StuckEvent>, DatabaseError> {
    let mut stuck: Vec<StuckEvent> = Vec::new();
    let mut streams = HashSet::new();
    let mut page = Some(log.table().query(PENDING, STUCK).on_index(PENDING_INDEX, "timestamp"));
    while let Some(query) = page.filter(|_| stuck.len() < most) {
        let found = rows.query(&query).await?;
        let events = found.rows.iter().filter_map(stuck_in);
        // Where events are appended without a mark, those that wait carry the mark of what is stuck, too.
        stuck.extend(events.filter(|event| streams.insert(event.stream.clone())));
        page = found.next;
    }
    stuck.truncate(most);
    Ok(stuck)
}

fn stuck_in(row: &Item) -> Option<StuckEvent> {
    let (stream, version) = key_in(row)?;
    let timestamp = row.get("timestamp").and_then(Value::as_str)?;
    Some(StuckEvent {
        stream: stream.to_owned(),
        version,
        timestamp: timestamp.to_owned(),
    })
}
