use std::fmt;

use crate::condition::Condition;
use crate::decimal::Decimal;
use crate::value::{Item, Value};

/// A table, by the name it has in this deployment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(String);

impl Table {
    /// A table of this name. Names come from configuration, never from code.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The row `key`.
    #[must_use]
    pub fn row(&self, key: Key) -> Row {
        Row {
            table: self.clone(),
            key,
        }
    }

    /// A change of the row `key`, which comes into being if it is not there.
    pub fn update(&self, key: Key) -> Update {
        Update {
            table: self.clone(),
            key,
            changes: Vec::new(),
            condition: None,
        }
    }

    /// A whole row, in place of any that is there.
    ///
    /// `key` names the attributes of `item` that are the table's key.
    pub fn put(&self, key: Key, item: impl IntoIterator<Item = (String, Value)>) -> Put {
        let mut row: Item = item.into_iter().collect();
        row.extend(key.0.iter().cloned());
        Put {
            table: self.clone(),
            key,
            item: row,
            condition: None,
        }
    }

    /// The end of the row `key`.
    #[must_use]
    pub fn delete(&self, key: Key) -> Delete {
        Delete {
            table: self.clone(),
            key,
            condition: None,
        }
    }

    /// No change: the commit holds only if `condition` holds for the row `key`.
    #[must_use]
    pub fn check(&self, key: Key, condition: Condition) -> Check {
        Check {
            table: self.clone(),
            key,
            condition,
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The primary key of a row: one attribute or two.
#[derive(Clone, Debug, PartialEq)]
pub struct Key(Vec<(String, Value)>);

impl Key {
    /// A key of one attribute, the partition key.
    pub fn new(name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self(vec![(name.into(), value.into())])
    }

    /// A key of a partition key `pk` and a sort key `sk`, both texts: the form of the `views` table.
    pub fn of_view(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self::new("pk", partition.into()).and("sk", sort.into())
    }

    /// With a sort key.
    #[must_use]
    pub fn and(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// The attributes.
    #[must_use]
    pub fn attributes(&self) -> &[(String, Value)] {
        &self.0
    }

    /// The attributes as a row, as the place after which a [`crate::Query`] or a [`crate::Scan`] goes on.
    #[must_use]
    pub fn into_item(self) -> Item {
        self.0.into_iter().collect()
    }
}

/// Which row of which table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub(crate) table: Table,
    pub(crate) key: Key,
}

impl Row {
    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// As one comparable text; see [`Write::target`].
    pub(crate) fn target(&self) -> String {
        target(&self.table, &self.key)
    }

    /// An update without changes.
    pub(crate) fn blank(self) -> Update {
        self.table.update(self.key)
    }
}

/// A whole row to write.
#[derive(Clone, Debug, PartialEq)]
pub struct Put {
    pub(crate) table: Table,
    pub(crate) key: Key,
    pub(crate) item: Item,
    pub(crate) condition: Option<Condition>,
}

/// Changes to one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    pub(crate) table: Table,
    pub(crate) key: Key,
    pub(crate) changes: Vec<Change>,
    pub(crate) condition: Option<Condition>,
}

/// A row to delete.
#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    pub(crate) table: Table,
    pub(crate) key: Key,
    pub(crate) condition: Option<Condition>,
}

/// A row that must meet a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    pub(crate) table: Table,
    pub(crate) key: Key,
    pub(crate) condition: Condition,
}

/// One change to one attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The attribute gets this value.
    Set(String, Value),
    /// The attribute gets this value unless it has one.
    SetIfAbsent(String, Value),
    /// The number grows by this much, from 0 if it is not there; or the set gets these elements, too.
    Add(String, Value),
    /// The attribute goes away.
    Remove(String),
}

impl Change {
    /// The attribute it changes.
    #[must_use]
    pub fn attribute(&self) -> &str {
        match self {
            Self::Set(name, _) | Self::SetIfAbsent(name, _) | Self::Add(name, _) | Self::Remove(name) => name,
        }
    }
}

impl Put {
    /// Only if `condition` holds for the row that is there.
    #[must_use]
    pub fn only_if(mut self, condition: Condition) -> Self {
        self.condition = Some(condition);
        self
    }

    /// Only if there is no row of this key.
    #[must_use]
    pub fn only_if_absent(self) -> Self {
        let partition_key = self.key.0[0].0.clone();
        self.only_if(Condition::absent(partition_key))
    }
}

impl Update {
    /// The attribute gets this value.
    #[must_use]
    pub fn set(self, attribute: impl Into<String>, value: impl Into<Value>) -> Self {
        self.change(Change::Set(attribute.into(), value.into()))
    }

    /// The attribute gets this value unless it has one.
    #[must_use]
    pub fn set_if_absent(self, attribute: impl Into<String>, value: impl Into<Value>) -> Self {
        self.change(Change::SetIfAbsent(attribute.into(), value.into()))
    }

    /// The number grows by this much, from 0 if it is not there.
    #[must_use]
    pub fn add(self, attribute: impl Into<String>, amount: i64) -> Self {
        self.change(Change::Add(attribute.into(), amount.into()))
    }

    /// The set of bytes gets these elements, too; it comes into being if it is not there. Elements that it has change
    /// nothing.
    #[must_use]
    pub fn add_to_set(self, attribute: impl Into<String>, elements: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let elements = Value::ByteSet(elements.into_iter().collect());
        self.change(Change::Add(attribute.into(), elements))
    }

    /// The attribute goes away.
    #[must_use]
    pub fn remove(self, attribute: impl Into<String>) -> Self {
        self.change(Change::Remove(attribute.into()))
    }

    /// Only if `condition` holds for the row that is there.
    #[must_use]
    pub fn only_if(mut self, condition: Condition) -> Self {
        self.condition = Some(match self.condition {
            None => condition,
            Some(earlier) => earlier.and(condition),
        });
        self
    }

    fn change(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }
}

impl Delete {
    /// Only if `condition` holds for the row that is there.
    #[must_use]
    pub fn only_if(mut self, condition: Condition) -> Self {
        self.condition = Some(condition);
        self
    }
}

/// One action on one row.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each variant holds the type of its own name")]
pub enum Write {
    Put(Put),
    Update(Update),
    Delete(Delete),
    Check(Check),
}

impl Write {
    /// The table it touches.
    #[must_use]
    pub fn table(&self) -> &Table {
        match self {
            Self::Put(put) => &put.table,
            Self::Update(update) => &update.table,
            Self::Delete(delete) => &delete.table,
            Self::Check(check) => &check.table,
        }
    }

    /// The row it touches.
    #[must_use]
    pub fn key(&self) -> &Key {
        match self {
            Self::Put(put) => &put.key,
            Self::Update(update) => &update.key,
            Self::Delete(delete) => &delete.key,
            Self::Check(check) => &check.key,
        }
    }

    /// What must hold for the row.
    #[must_use]
    pub fn condition(&self) -> Option<&Condition> {
        match self {
            Self::Put(put) => put.condition.as_ref(),
            Self::Update(update) => update.condition.as_ref(),
            Self::Delete(delete) => delete.condition.as_ref(),
            Self::Check(check) => Some(&check.condition),
        }
    }

    /// Which row of which table, as one comparable text: two rows never have the same one, and one row has one however its
    /// key is written.
    #[must_use]
    pub fn target(&self) -> String {
        target(self.table(), self.key())
    }
}

fn target(table: &Table, key: &Key) -> String {
    let mut target = String::new();
    push_escaped(&mut target, table.name());
    for (_, value) in &key.0 {
        match value {
            Value::String(text) => {
                target.push(OF_TEXT);
                push_escaped(&mut target, text);
            }
            Value::Number(text) => {
                target.push(OF_NUMBER);
                match Decimal::parse(text) {
                    Ok(number) => target.push_str(&number.to_string()),
                    Err(_) => push_escaped(&mut target, text),
                }
            }
            other => {
                target.push(OF_ANOTHER);
                push_escaped(&mut target, &format!("{other:?}"));
            }
        }
    }
    target
}

/// What the parts of a target begin with.
const OF_TEXT: char = '\u{0}';
const OF_NUMBER: char = '\u{1}';
const OF_ANOTHER: char = '\u{2}';
/// What stands before such a character, and before itself, when it belongs to a value.
const ESCAPE: char = '\u{3}';

fn push_escaped(target: &mut String, text: &str) {
    for character in text.chars() {
        if character <= ESCAPE {
            target.push(ESCAPE);
        }
        target.push(character);
    }
}

impl Put {
    /// The row.
    #[must_use]
    pub fn item(&self) -> &Item {
        &self.item
    }
}

impl Update {
    /// The changes, in the order they were asked for.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }
}

macro_rules! into_write {
    ($($kind:ident),*) => {$(
        impl From<$kind> for Write {
            fn from(write: $kind) -> Self {
                Self::$kind(write)
            }
        }
    )*};
}

into_write!(Put, Update, Delete, Check);

#[cfg(test)]
mod tests {
    use super::*;

    fn target(key: Key) -> String {
        Write::from(Table::new("t").delete(key)).target()
    }

    #[test]
    fn different_keys_have_different_targets() {
        let keys = [
            Key::of_view("a", "b"),
            Key::new("pk", "a\u{0}b"),
            Key::of_view("a\u{0}", "b"),
            Key::of_view("a", "\u{0}b"),
            Key::new("pk", "a\u{3}\u{0}b"),
            Key::new("pk", "a").and("sk", 1),
            Key::new("pk", "a\u{1}1"),
            Key::of_view("a", "1"),
        ];
        let mut targets: Vec<String> = keys.into_iter().map(target).collect();
        targets.sort();
        targets.dedup();
        assert_eq!(targets.len(), 8, "{targets:?}");
    }

    #[test]
    fn a_number_is_one_key_however_written() {
        let of = |text: &str| target(Key::new("stream", "s").and("version", Value::Number(text.to_owned())));
        assert_eq!(of("1"), of("1.0"));
        assert_eq!(of("100"), of("1e2"));
        assert_ne!(of("1"), of("10"));
    }
}
