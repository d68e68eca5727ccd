//! Attributes of rows, read with an error that names what is missing.

use std::error::Error;
use std::fmt;

use onecommit_engine::{DatabaseError, Failure, Item, Query, TableReader, Value};
use storefront_money::{Currency, Money};

use crate::views::place::OrderPlace;

/// Why a view could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum ViewError {
    /// The views table did not answer, or refuses to.
    Database(DatabaseError),
    /// A row is not what the view writes: another version of it did. Rebuild the view.
    Corrupt {
        /// The row's partition key.
        row: String,
        /// What is missing or of another type.
        attribute: &'static str,
    },
}

impl fmt::Display for ViewError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(_) => formatter.write_str("the rows could not be read from the views table"),
            Self::Corrupt { row, attribute } => {
                write!(formatter, "the row {row} has no valid {attribute}; rebuild the view")
            }
        }
    }
}

impl Error for ViewError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Database(error) => Some(error),
            Self::Corrupt { .. } => None,
        }
    }
}

impl From<DatabaseError> for ViewError {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

/// A row with its attributes by type.
pub(crate) struct Fields<'a>(pub(crate) &'a Item);

impl Fields<'_> {
    pub(crate) fn text(&self, attribute: &'static str) -> Result<String, ViewError> {
        self.text_if_any(attribute).ok_or_else(|| self.corrupt(attribute))
    }

    pub(crate) fn text_if_any(&self, attribute: &str) -> Option<String> {
        self.0.get(attribute).and_then(Value::as_str).map(str::to_owned)
    }

    pub(crate) fn count(&self, attribute: &'static str) -> Result<u64, ViewError> {
        self.count_if_any(attribute).ok_or_else(|| self.corrupt(attribute))
    }

    pub(crate) fn count_if_any(&self, attribute: &str) -> Option<u64> {
        self.0.get(attribute).and_then(Value::as_u64)
    }

    /// The texts of a list, none when there is no list.
    pub(crate) fn texts(&self, attribute: &str) -> Vec<String> {
        match self.0.get(attribute) {
            Some(Value::List(values)) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// The row's place in a list of orders, from its sort key.
    pub(crate) fn place(&self) -> Result<OrderPlace, ViewError> {
        OrderPlace::of_sort_key(&self.text("sk")?).map_err(|_| self.corrupt("sk"))
    }

    /// A number that is only there once something was added.
    pub(crate) fn sum(&self, attribute: &str) -> i64 {
        self.0.get(attribute).and_then(Value::as_i64).unwrap_or(0)
    }

    pub(crate) fn money(&self) -> Result<Money, ViewError> {
        let minor_units = self.0.get("totalMinorUnits").and_then(Value::as_i64);
        let minor_units = minor_units.ok_or_else(|| self.corrupt("totalMinorUnits"))?;
        Ok(Money::new(minor_units, self.currency()?))
    }

    pub(crate) fn corrupt(&self, attribute: &'static str) -> ViewError {
        ViewError::Corrupt {
            row: self.text_if_any("pk").unwrap_or_default(),
            attribute,
        }
    }

    fn currency(&self) -> Result<Currency, ViewError> {
        Currency::new(&self.text("currency")?).map_err(|_| self.corrupt("currency"))
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    /// What is on it.
    pub rows: Vec<T>,
    /// What reads the next page, which may be empty; `None` when this was the last.
    pub next: Option<Query>,
}

impl<T> Listed<T> {
    /// The page of a query. One request.
    pub(crate) async fn read(
        rows: &dyn TableReader,
        query: &Query,
        read: impl Fn(&Fields<'_>) -> Result<T, ViewError>,
    ) -> Result<Self, ViewError> {
        let page = rows.query(query).await?;
        Ok(Self {
            rows: page
                .rows
                .iter()
                .map(|row| read(&Fields(row)))
                .collect::<Result<_, _>>()?,
            next: page.next,
        })
    }
}

/// The rows of a query, page after page.
pub(crate) async fn for_each_row(
    rows: &dyn TableReader,
    query: Query,
    mut each: impl FnMut(&Item) -> Result<(), ViewError>,
) -> Result<(), ViewError> {
    let mut next = Some(query);
    while let Some(query) = next {
        let page = rows.query(&query).await?;
        page.rows.iter().try_for_each(&mut each)?;
        next = page.next;
    }
    Ok(())
}

/// A text of an event that becomes part of a key: DynamoDB takes no empty ones and no longer ones.
pub(crate) fn key_part<'a>(what: &str, text: &'a str) -> Result<&'a str, Failure> {
    const BYTES_MAX: usize = 512;
    match text.len() {
        0 => Err(Failure::reject(format!("the {what} is empty"))),
        1..=BYTES_MAX => Ok(text),
        bytes => Err(Failure::reject(format!(
            "the {what} has {bytes} bytes; this view keeps up to {BYTES_MAX}"
        ))),
    }
}
