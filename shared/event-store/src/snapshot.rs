use onecommit_engine::{Condition, EventLog, Item, Update, Value};
use onecommit_event::Aggregate;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// When snapshots are taken, and which of them are still understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// One is taken when so many events have come since the last.
    pub every_events: u64,
    /// The version of the state's schema. Snapshots of another are ignored and replaced.
    pub state_schema: u32,
}

/// A state that can be kept as a snapshot.
pub trait Snapshots: Serialize + DeserializeOwned {
    /// When and how.
    const POLICY: SnapshotPolicy;
}

/// The version under which a stream keeps its snapshot.
const SNAPSHOT_VERSION: u64 = 0;

/// The state in a snapshot's row with the version it was taken at. A row that is not understood - another schema,
/// damaged, nonsense - is as good as none: a snapshot is never needed for correctness.
pub(crate) fn read<S: Snapshots>(row: &Item) -> Option<(S, u64)> {
    let number = |name: &str| row.get(name).and_then(Value::as_u64);
    if number("stateSchema") != Some(u64::from(S::POLICY.state_schema)) {
        return None;
    }
    let state = serde_json::from_str(row.get("state")?.as_str()?).ok()?;
    Some((state, number("takenAt").filter(|version| *version > 0)?))
}

/// The write that keeps a snapshot, in place of any older one: a writer that was overtaken changes nothing.
pub(crate) fn write<S: Snapshots>(
    log: &EventLog,
    stream: &Aggregate,
    state: &S,
    version: u64,
) -> Result<Update, serde_json::Error> {
    let schema = u64::from(S::POLICY.state_schema);
    let older = Condition::absent("takenAt")
        .or(Condition::less("takenAt", version))
        .or(Condition::less("stateSchema", schema));
    Ok(log
        .table()
        .update(key(stream))
        .set("takenAt", version)
        .set("stateSchema", schema)
        .set("state", serde_json::to_string(state)?)
        .only_if(older))
}

pub(crate) fn key(stream: &Aggregate) -> onecommit_engine::Key {
    EventLog::key(stream, SNAPSHOT_VERSION)
}
