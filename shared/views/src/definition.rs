use onecommit_engine::{Consumer, Key, Query, Table, Update};

use crate::name::{Generation, ViewName};

/// A view: its name, and the handlers that keep it.
///
/// The handlers write rows of [`ViewRows`] and nothing else, and say what is in them by events of the store alone. So
/// the view can be thrown away and made again at any time.
pub trait ViewDefinition: Send + Sync {
    /// The name: see [`ViewName`] for what it may be.
    fn name(&self) -> &str;

    /// Registers the handlers with `consumer`, which is named after the view and the generation. They write to `rows`.
    ///
    /// A view kept by [`onecommit_engine::SequencedUpdate::accumulating`] has to have a handler for every event type of its
    /// aggregate: one that it passes over is a gap to it.
    fn handlers(&self, consumer: Consumer, rows: ViewRows) -> Consumer;
}

/// The rows of one generation of a view: those of the views table whose partition key starts with
/// `{view}@{generation}#`.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewRows {
    table: Table,
    prefix: String,
}

/// The names of the views table's key.
pub(crate) const PARTITION_KEY: &str = "pk";
pub(crate) const SORT_KEY: &str = "sk";

impl ViewRows {
    /// The rows of this generation in `table`.
    #[must_use]
    pub fn new(table: Table, view: &ViewName, generation: Generation) -> Self {
        Self {
            table,
            prefix: format!("{view}@{generation}#"),
        }
    }

    /// The key of a row.
    pub fn key(&self, partition: &str, sort: &str) -> Key {
        Key::of_view(self.partition(partition), sort)
    }

    /// A change of a row, which comes into being if it is not there.
    pub fn update(&self, partition: &str, sort: &str) -> Update {
        self.table.update(self.key(partition, sort))
    }

    /// All rows of a partition, by their sort keys.
    #[must_use]
    pub fn query(&self, partition: &str) -> Query {
        self.table.query(PARTITION_KEY, self.partition(partition))
    }

    /// The rows of a partition whose sort keys lie between two texts, both included.
    #[must_use]
    pub fn query_between(&self, partition: &str, least: &str, most: &str) -> Query {
        self.query(partition).between(SORT_KEY, least, most)
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// What all partition keys start with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    fn partition(&self, partition: &str) -> String {
        format!("{}{partition}", self.prefix)
    }
}
