use std::sync::Arc;

use async_trait::async_trait;

use crate::condition::Condition;
use crate::table_writer::DatabaseError;
use crate::value::{Item, Value};
use crate::write::{Key, Table};

/// The port through which handlers read. Reads are consistent - they see every earlier write - except those of an index
/// ([`Query::on_index`]).
///
/// Like [`crate::TableWriter`], an implementation sends one request per call and never retries on its own;
/// [`crate::RetryingTables`] around it does.
#[async_trait]
pub trait TableReader: Send + Sync {
    /// The row of a table with this key.
    ///
    /// # Errors
    /// See [`DatabaseError`]; a read is never cancelled.
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError>;

    /// The row of a table with this key, as it is now or was a moment ago, for half the read units. An implementation that
    /// knows consistent reads only answers with one.
    ///
    /// # Errors
    /// See [`DatabaseError`]; a read is never cancelled.
    async fn get_eventually(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.get(table, key).await
    }

    /// The rows with these keys, in their order; `None` where there is none. A key may be asked for twice.
    ///
    /// Each row is read consistently, but not all of them at one moment. An implementation that knows single reads only
    /// makes one after the other.
    ///
    /// # Errors
    /// See [`DatabaseError`]; a read is never cancelled. All of them are read, or it is an error.
    async fn get_all(&self, table: &Table, keys: &[Key]) -> Result<Vec<Option<Item>>, DatabaseError> {
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            rows.push(self.get(table, key).await?);
        }
        Ok(rows)
    }

    /// One page of the rows of a partition, in the order of their sort key.
    ///
    /// # Errors
    /// See [`DatabaseError`]; a read is never cancelled.
    async fn query(&self, query: &Query) -> Result<Page, DatabaseError>;

    /// One page of all rows of a table, in no promised order.
    ///
    /// DynamoDB takes read units for every row of the table, whether or not it is wanted.
    ///
    /// # Errors
    /// See [`DatabaseError`]; a read is never cancelled.
    async fn scan(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError>;
}

#[async_trait]
impl<R: TableReader + ?Sized> TableReader for Arc<R> {
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        (**self).get(table, key).await
    }

    async fn get_eventually(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        (**self).get_eventually(table, key).await
    }

    async fn get_all(&self, table: &Table, keys: &[Key]) -> Result<Vec<Option<Item>>, DatabaseError> {
        (**self).get_all(table, keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, DatabaseError> {
        (**self).query(query).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        (**self).scan(scan).await
    }
}

/// Which rows of a partition to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub(crate) table: Table,
    pub(crate) partition: (String, Value),
    pub(crate) between: Option<(String, Value, Value)>,
    pub(crate) backward: bool,
    pub(crate) rows_max: Option<u32>,
    pub(crate) selected: Vec<String>,
    pub(crate) after: Option<Item>,
    pub(crate) index: Option<Index>,
}

/// A secondary index, by its name and its sort key.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// The attribute that its rows are sorted by.
    pub sort_key: String,
}

/// Which rows of a whole table to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    pub(crate) table: Table,
    pub(crate) wanted: Option<Condition>,
    pub(crate) rows_max: Option<u32>,
    pub(crate) after: Option<Item>,
}

/// Some rows, and where the next page starts. DynamoDB ends a page after 1 MB
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html>): whoever does not follow
/// `next` misses rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page<Next = Query> {
    /// The rows.
    pub rows: Vec<Item>,
    /// What asks for the next page; `None` when this was the last.
    pub next: Option<Next>,
}

impl Table {
    /// All rows of the partition whose key attribute has this value.
    pub fn query(&self, partition_key: impl Into<String>, value: impl Into<Value>) -> Query {
        Query {
            table: self.clone(),
            partition: (partition_key.into(), value.into()),
            between: None,
            backward: false,
            rows_max: None,
            selected: Vec::new(),
            after: None,
            index: None,
        }
    }

    /// All rows of the table.
    #[must_use]
    pub fn scan(&self) -> Scan {
        Scan {
            table: self.clone(),
            wanted: None,
            rows_max: None,
            after: None,
        }
    }
}

impl Scan {
    /// Only rows for which this holds.
    #[must_use]
    pub fn only(mut self, wanted: Condition) -> Self {
        self.wanted = Some(wanted);
        self
    }

    /// At most so many rows are looked at for one page, wanted or not.
    #[must_use]
    pub fn rows_max(mut self, rows: u32) -> Self {
        self.rows_max = Some(rows);
        self
    }

    /// The same scan, going on after the row with this key: what an implementation puts into [`Page::next`].
    #[must_use]
    pub fn after(mut self, key: Item) -> Self {
        self.after = Some(key);
        self
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// What has to hold for a row.
    #[must_use]
    pub fn wanted(&self) -> Option<&Condition> {
        self.wanted.as_ref()
    }

    /// The most rows looked at for one page.
    #[must_use]
    pub fn page_rows_max(&self) -> Option<u32> {
        self.rows_max
    }

    /// The key of the row before the first.
    #[must_use]
    pub fn start(&self) -> Option<&Item> {
        self.after.as_ref()
    }
}

impl Query {
    /// Only rows whose sort key lies between the two values, both included.
    #[must_use]
    pub fn between(mut self, sort_key: impl Into<String>, least: impl Into<Value>, most: impl Into<Value>) -> Self {
        self.between = Some((sort_key.into(), least.into(), most.into()));
        self
    }

    /// From the largest sort key down.
    #[must_use]
    pub fn backward(mut self) -> Self {
        self.backward = true;
        self
    }

    /// At most so many rows on a page.
    #[must_use]
    pub fn rows_max(mut self, rows: u32) -> Self {
        self.rows_max = Some(rows);
        self
    }

    /// Only these attributes of each row. What does not travel need not be read from the answer either; read units and
    /// the size of a page are those of the whole rows all the same.
    #[must_use]
    pub fn select<'a>(mut self, attributes: impl IntoIterator<Item = &'a str>) -> Self {
        self.selected = attributes.into_iter().map(str::to_owned).collect();
        self
    }

    /// The same query, going on after the row with this key: what an implementation puts into [`Page::next`].
    #[must_use]
    pub fn after(mut self, key: Item) -> Self {
        self.after = Some(key);
        self
    }

    /// Of a global secondary index instead of the table itself; the partition key is then the index's. Such a read is
    /// not consistent: a row that was just written may not be there yet, one that was just deleted still may.
    #[must_use]
    pub fn on_index(mut self, name: impl Into<String>, sort_key: impl Into<String>) -> Self {
        self.index = Some(Index {
            name: name.into(),
            sort_key: sort_key.into(),
        });
        self
    }

    /// The index.
    #[must_use]
    pub fn index(&self) -> Option<&Index> {
        self.index.as_ref()
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The partition key's name and value.
    #[must_use]
    pub fn partition(&self) -> (&str, &Value) {
        (&self.partition.0, &self.partition.1)
    }

    /// The sort key's name, least and most value.
    #[must_use]
    pub fn bounds(&self) -> Option<(&str, &Value, &Value)> {
        self.between
            .as_ref()
            .map(|(name, least, most)| (name.as_str(), least, most))
    }

    /// Whether it goes from the largest sort key down.
    #[must_use]
    pub fn is_backward(&self) -> bool {
        self.backward
    }

    /// The most rows of a page.
    #[must_use]
    pub fn page_rows_max(&self) -> Option<u32> {
        self.rows_max
    }

    /// The attributes it selects of each row; empty for all there are.
    #[must_use]
    pub fn selected(&self) -> &[String] {
        &self.selected
    }

    /// The key of the row before the first.
    #[must_use]
    pub fn start(&self) -> Option<&Item> {
        self.after.as_ref()
    }
}
