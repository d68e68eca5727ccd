//! The form of a table's keys, learned from its first row: DynamoDB refuses keys of another form.

use std::collections::BTreeMap;
use std::mem::{Discriminant, discriminant};

use onecommit_engine::{Key, Query, Table, Value};

use super::Refusal;

#[derive(Debug, Default)]
pub(super) struct Schemas(BTreeMap<String, Schema>);

/// Names and types of a key's attributes.
type Schema = Vec<(String, Discriminant<Value>)>;

impl Schemas {
    pub(super) fn learn(&mut self, table: &Table, key: &Key) {
        if !self.0.contains_key(table.name()) {
            self.0.insert(table.name().to_owned(), schema_of(key));
        }
    }

    pub(super) fn check(&self, table: &Table, key: &Key) -> Result<(), Refusal> {
        let Some(schema) = self.0.get(table.name()) else {
            return Ok(());
        };
        let attributes = key.attributes();
        let is_one =
            attributes.len() == schema.len() && attributes.iter().all(|(name, value)| is_of(schema, name, value));
        if is_one { Ok(()) } else { Err(not_of(table, schema)) }
    }

    /// A query of the table itself; indexes have keys of their own.
    pub(super) fn check_query(&self, query: &Query) -> Result<(), Refusal> {
        let Some(schema) = self.0.get(query.table().name()).filter(|_| query.index().is_none()) else {
            return Ok(());
        };
        let (name, value) = query.partition();
        let is_partition = is_of(&schema[..1], name, value);
        let is_sort = query
            .bounds()
            .is_none_or(|(name, least, _)| is_of(&schema[1..], name, least));
        if is_partition && is_sort {
            Ok(())
        } else {
            Err(not_of(query.table(), schema))
        }
    }
}

fn schema_of(key: &Key) -> Schema {
    key.attributes()
        .iter()
        .map(|(name, value)| (name.clone(), discriminant(value)))
        .collect()
}

fn is_of(schema: &[(String, Discriminant<Value>)], name: &str, value: &Value) -> bool {
    schema
        .iter()
        .any(|(known, of_type)| known == name && *of_type == discriminant(value))
}

fn not_of(table: &Table, schema: &Schema) -> Refusal {
    let names: Vec<&str> = schema.iter().map(|(name, _)| name.as_str()).collect();
    format!(
        "the key is not one of {table}, whose first row had the key {}",
        names.join(", ")
    )
}
