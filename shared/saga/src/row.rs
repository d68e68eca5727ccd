use std::collections::BTreeMap;

use onecommit_engine::{Item, Key, Value};
use onecommit_environment::Timestamp;
use onecommit_event::{Aggregate, EventId};
use serde::de::DeserializeOwned;

use crate::attributes::{CANCELLATION, Reader, SAGA_ID, written};
use crate::error::{SagaError, read_data};
use crate::journal::{Journal, JournalEntry};
use crate::machine::{Progress, Status};

/// A saga as it is in the `sagas` table.
///
/// | attribute | type | content |
/// |---|---|---|
/// | `sagaId` | text, key | definition and id, `OrderSaga#ord_1`: also the stream of its commands |
/// | `definition`, `definitionVersion` | text, number | what it runs under |
/// | `status` | text | see [`Status`] |
/// | `deadline` | text | when something is due, RFC 3339 in UTC with ms; none when it has ended; year 9999 when it waits for a person |
/// | `due` | text | while it has a deadline: the status and one of eight numbers, `Running#3`; key of the index |
/// | `version` | number | transitions so far |
/// | `revision` | text | another one after each transition, on which the next is conditional |
/// | `streamVersion` | number | commands so far |
/// | `data` | text | the definition's data as JSON |
/// | `calls` | text | as JSON, while a step is a call that is due: what it is made with |
/// | `progress`, `journal` | text | as JSON; read them with [`SagaRow::timeline`] |
/// | `correlationId`, `startedAt`, `updatedAt` | text | |
///
/// The journal keeps the first entry and the newest 199. A saga whose data makes the row larger than DynamoDB's 400 KB takes
/// no further step: the message that would make it so is parked as `InvalidCommit`, and its deadline brings it back to
/// the step, until a person looks. Keep large things elsewhere and their keys in the data.
///
/// A saga that was cancelled before it started has a row of another kind, with `cancellation` and `revision` only: it waits
/// for the start.
#[derive(Clone, Debug, PartialEq)]
pub struct SagaRow {
    pub(crate) saga: Aggregate,
    pub(crate) definition_version: u32,
    pub(crate) status: Status,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) version: u64,
    pub(crate) revision: String,
    pub(crate) stream_version: u64,
    pub(crate) data: String,
    pub(crate) calls: CallInputs,
    pub(crate) progress: Progress,
    pub(crate) journal: Journal,
    pub(crate) correlation_id: String,
    pub(crate) started_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// What each call that is due is made with: the saga's data when it was first asked for, by the id of the event that asks.
///
/// The data may change while the call is due, by the answer to a step beside it. The call has one idempotency key, so it has
/// one content: the one that was committed together with it.
pub(crate) type CallInputs = BTreeMap<String, String>;

/// The key of the index.
pub(crate) const DUE: &str = "due";
/// How many partitions of the index each status has: each takes about 1,000 writes a second, and a transition is two.
const SHARDS: u64 = 8;

impl SagaRow {
    /// The key of a saga's row.
    #[must_use]
    pub fn key(saga: &Aggregate) -> Key {
        Key::new(SAGA_ID, saga.to_string())
    }

    /// Reads a row of the table.
    ///
    /// # Errors
    /// [`SagaError::Corrupt`] names what is missing or not valid.
    pub fn from_item(item: &Item) -> Result<Self, SagaError> {
        let reader = Reader::of(item)?;
        if item.contains_key(CANCELLATION) {
            let saga = reader.saga.to_string();
            return Err(SagaError::NotStarted { saga });
        }
        Ok(Self {
            definition_version: reader.number("definitionVersion")?,
            status: reader.named("status")?,
            deadline: match item.get("deadline") {
                None => None,
                Some(_) => Some(reader.time("deadline")?),
            },
            version: reader.number("version")?,
            revision: reader.text("revision")?.to_owned(),
            stream_version: reader.number("streamVersion")?,
            data: reader.text("data")?.to_owned(),
            calls: match item.get("calls") {
                None => CallInputs::new(),
                Some(_) => reader.json("calls")?,
            },
            progress: reader.json("progress")?,
            journal: reader.json("journal")?,
            correlation_id: reader.text("correlationId")?.to_owned(),
            started_at: reader.time("startedAt")?,
            updated_at: reader.time("updatedAt")?,
            saga: reader.saga,
        })
    }

    /// The attributes but the key.
    pub(crate) fn to_item(&self) -> Result<Item, SagaError> {
        let mut item: Item = [
            ("definition", Value::from(self.saga.kind())),
            ("definitionVersion", self.definition_version.into()),
            ("status", self.status.as_str().into()),
            ("version", self.version.into()),
            ("revision", (&self.revision).into()),
            ("streamVersion", self.stream_version.into()),
            ("data", (&self.data).into()),
            ("progress", written(&self.progress)?),
            ("journal", written(&self.journal)?),
            ("correlationId", (&self.correlation_id).into()),
            ("startedAt", self.started_at.to_string().into()),
            ("updatedAt", self.updated_at.to_string().into()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if let Some(deadline) = self.deadline {
            item.insert("deadline".to_owned(), deadline.to_string().into());
            item.insert(DUE.to_owned(), self.due_key().into());
        }
        if !self.calls.is_empty() {
            item.insert("calls".to_owned(), written(&self.calls)?);
        }
        Ok(item)
    }

    /// The partition of the index that it is in, while it has a deadline.
    pub(crate) fn due_key(&self) -> String {
        due_key(self.status, shard_of(&self.saga.to_string()))
    }

    /// What the call is made with that this event asks for. Rows of earlier versions of this library have not written it
    /// down.
    pub(crate) fn made_with(&self, call_due: EventId) -> &str {
        self.calls.get(&call_due.to_string()).unwrap_or(&self.data)
    }

    /// The definition's name and the saga's id.
    #[must_use]
    pub fn saga(&self) -> &Aggregate {
        &self.saga
    }

    /// The version of the definition it runs under.
    #[must_use]
    pub fn definition_version(&self) -> u32 {
        self.definition_version
    }

    /// Where it is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// When something is due; `None` when it has ended.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// How many transitions it has made.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Its data.
    ///
    /// # Errors
    /// [`SagaError::Data`] when it is no `D`.
    pub fn data<D: DeserializeOwned>(&self) -> Result<D, SagaError> {
        read_data(&self.data)
    }

    /// What it has in common with everything that follows from the same cause.
    #[must_use]
    pub fn correlation_id(&self) -> &str {
        &self.correlation_id
    }

    /// When it started.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// When its last transition was.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// What happened to it, the oldest first.
    #[must_use]
    pub fn timeline(&self) -> &[JournalEntry] {
        &self.journal.entries
    }

    /// How many entries are missing from the timeline after its first, because the journal keeps no more.
    #[must_use]
    pub fn left_out_of_timeline(&self) -> u64 {
        self.journal.left_out
    }
}

/// The partitions of the index that hold sagas of a status.
pub(crate) fn due_keys(status: Status) -> impl Iterator<Item = String> {
    (0..SHARDS).map(move |shard| due_key(status, shard))
}

fn due_key(status: Status, shard: u64) -> String {
    format!("{status}#{shard}")
}

/// All that matters is that sagas spread, and that one stays where it is.
fn shard_of(saga: &str) -> u64 {
    let hash = saga
        .bytes()
        .fold(0_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    hash % SHARDS
}
