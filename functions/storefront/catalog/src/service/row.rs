//! Reading rows that this context wrote.

use onecommit_engine::{Item, Value};

/// A row that is not as this context writes it: somebody else changed it, or newer code did.
#[derive(Debug, thiserror::Error)]
#[error("the row {key} has no valid {attribute}; correct it in the table")]
pub struct RowError {
    key: String,
    attribute: &'static str,
}

/// Why a row could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("the catalog's table did not answer")]
    Database(#[from] onecommit_engine::DatabaseError),
    #[error(transparent)]
    Row(#[from] RowError),
}

/// A row by its attributes.
pub(crate) struct Row<'a>(pub(crate) &'a Item);

impl Row<'_> {
    pub(crate) fn text(&self, attribute: &'static str) -> Result<&str, RowError> {
        self.text_if_any(attribute).ok_or_else(|| self.error(attribute))
    }

    pub(crate) fn text_if_any(&self, attribute: &str) -> Option<&str> {
        self.0.get(attribute).and_then(Value::as_str)
    }

    pub(crate) fn number(&self, attribute: &'static str) -> Result<i64, RowError> {
        let number = self.0.get(attribute).and_then(Value::as_i64);
        number.ok_or_else(|| self.error(attribute))
    }

    /// Nothing counts as 0.
    pub(crate) fn number_if_any(&self, attribute: &str) -> u64 {
        self.0.get(attribute).and_then(Value::as_u64).unwrap_or_default()
    }

    pub(crate) fn error(&self, attribute: &'static str) -> RowError {
        let key = self.text_if_any("pk").unwrap_or("without a key").to_owned();
        RowError { key, attribute }
    }
}
