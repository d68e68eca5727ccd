//! A control row as it is stored. The state is JSON text in one attribute, as events are; the revision makes every
//! change conditional on the one before it.

use std::collections::BTreeMap;

use onecommit_engine::{Condition, Item, Key, Put, Table, Update, Value};

use super::ControlError;
use super::state::ControlState;
use crate::lag::Lag;
use crate::name::ViewName;

/// The partition of all control rows. No row of a view can get there: theirs have an `@`.
pub(super) const PARTITION: &str = "view-control";
/// The row of all lags. No view can have its name.
pub(super) const LAGS: &str = "#lag";

const REVISION: &str = "revision";
const WRITER: &str = "writer";
const STATE: &str = "state";

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) state: ControlState,
    /// 1 for the first.
    revision: u64,
    /// Who wrote it: another text for each write.
    pub(super) writer: String,
}

pub(super) fn key(name: &str) -> Key {
    Key::of_view(PARTITION, name)
}

impl Row {
    pub(super) fn read(view: &str, item: &Item) -> Result<Self, ControlError> {
        let corrupt = |error: String| ControlError::Corrupt {
            view: view.to_owned(),
            error,
        };
        let text = |name: &str| {
            let found = item.get(name).and_then(Value::as_str);
            found.ok_or_else(|| corrupt(format!("it has no text {name:?}")))
        };
        let revision = item.get(REVISION).and_then(Value::as_u64);
        Ok(Self {
            state: serde_json::from_str(text(STATE)?).map_err(|error| corrupt(error.to_string()))?,
            revision: revision.ok_or_else(|| corrupt(format!("it has no number {REVISION:?}")))?,
            writer: text(WRITER)?.to_owned(),
        })
    }

    /// What follows on the row that was there.
    pub(super) fn after(before: Option<&Self>, state: &ControlState, writer: &str) -> Self {
        Self {
            state: state.clone(),
            revision: before.map_or(0, |row| row.revision) + 1,
            writer: writer.to_owned(),
        }
    }

    /// Lands only on the revision before this one.
    pub(super) fn put(&self, table: &Table, view: &ViewName) -> Result<Put, ControlError> {
        let unchanged = match self.revision {
            0 | 1 => Condition::absent(REVISION),
            revision => Condition::equals(REVISION, revision - 1),
        };
        let state = serde_json::to_string(&self.state).map_err(|error| ControlError::Corrupt {
            view: view.to_string(),
            error: error.to_string(),
        })?;
        let item = [
            (REVISION, Value::from(self.revision)),
            (WRITER, Value::from(&self.writer)),
            (STATE, Value::from(state)),
        ];
        let item = item.map(|(name, value)| (name.to_owned(), value));
        Ok(table.put(key(view.as_str()), item).only_if(unchanged))
    }
}

/// What the attributes of lags start with, each followed by the view's name.
const LAG_OF: &str = "lag#";

pub(super) fn lag_update(table: &Table, lags: &BTreeMap<String, Lag>) -> Update {
    lags.iter().fold(table.update(key(LAGS)), |update, (view, lag)| {
        let value: Item = [
            ("lagMs".to_owned(), Value::from(lag.behind_ms)),
            ("handledAtMs".to_owned(), Value::from(lag.handled_at_ms)),
        ]
        .into();
        update.set(format!("{LAG_OF}{view}"), Value::Map(value))
    })
}

pub(super) fn lag_in(item: &Item) -> BTreeMap<String, Lag> {
    let read = |(name, value): (&String, &Value)| {
        let (view, Value::Map(fields)) = (name.strip_prefix(LAG_OF)?, value) else {
            return None;
        };
        let lag = Lag {
            behind_ms: fields.get("lagMs")?.as_u64()?,
            handled_at_ms: fields.get("handledAtMs")?.as_i64()?,
        };
        Some((view.to_owned(), lag))
    };
    item.iter().filter_map(read).collect()
}
