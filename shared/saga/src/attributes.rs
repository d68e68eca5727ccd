//! The attributes of rows in the `sagas` table, read and written.

use onecommit_engine::{Item, Value};
use onecommit_environment::Timestamp;
use onecommit_event::Aggregate;
use serde::de::DeserializeOwned;

use crate::error::SagaError;

/// The key attribute.
pub(crate) const SAGA_ID: &str = "sagaId";
/// The attribute that a row has while its saga is cancelled and has not started.
pub(crate) const CANCELLATION: &str = "cancellation";

/// Reads attributes, and names the one that is not as it should be.
pub(crate) struct Reader<'a> {
    item: &'a Item,
    pub(crate) saga: Aggregate,
}

impl<'a> Reader<'a> {
    pub(crate) fn of(item: &'a Item) -> Result<Self, SagaError> {
        let id = item.get(SAGA_ID).and_then(Value::as_str).unwrap_or_default();
        let saga = id.split_once('#').and_then(|(kind, id)| Aggregate::new(kind, id).ok());
        let corrupt = || SagaError::Corrupt {
            saga: id.to_owned(),
            attribute: SAGA_ID,
        };
        Ok(Self {
            item,
            saga: saga.ok_or_else(corrupt)?,
        })
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<&'a str, SagaError> {
        self.item
            .get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| self.corrupt(name))
    }

    pub(crate) fn number<N: TryFrom<u64>>(&self, name: &'static str) -> Result<N, SagaError> {
        let number = self.item.get(name).and_then(Value::as_u64);
        number
            .and_then(|number| N::try_from(number).ok())
            .ok_or_else(|| self.corrupt(name))
    }

    pub(crate) fn time(&self, name: &'static str) -> Result<Timestamp, SagaError> {
        Timestamp::parse(self.text(name)?).map_err(|_| self.corrupt(name))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, SagaError> {
        serde_json::from_str(self.text(name)?).map_err(|_| self.corrupt(name))
    }

    pub(crate) fn named<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, SagaError> {
        let value = serde_json::Value::String(self.text(name)?.to_owned());
        serde_json::from_value(value).map_err(|_| self.corrupt(name))
    }

    fn corrupt(&self, attribute: &'static str) -> SagaError {
        SagaError::Corrupt {
            saga: self.saga.to_string(),
            attribute,
        }
    }
}

/// A value as JSON in an attribute.
pub(crate) fn written(value: &impl serde::Serialize) -> Result<Value, SagaError> {
    serde_json::to_string(value)
        .map(Value::from)
        .map_err(|_| SagaError::Unwritable)
}
