//! Rows of many keys: one request for a hundred of them
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>).

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures_util::future::try_join_all;
use onecommit_engine::{DatabaseError, Item, Key, Table, TransientKind};

use crate::dynamodb::{attribute, errors, request};

/// The most keys of one `BatchGetItem`.
const KEYS_MAX: usize = 100;

type Attributes = HashMap<String, AttributeValue>;

/// The rows in the order of their keys.
pub(crate) async fn get(client: &Client, table: &Table, keys: &[Key]) -> Result<Vec<Option<Item>>, DatabaseError> {
    let requests = different(keys);
    let requests = requests.chunks(KEYS_MAX).map(|some| get_some(client, table, some));
    let rows: Vec<Item> = try_join_all(requests).await?.into_iter().flatten().collect();
    Ok(in_order(keys, &rows))
}

/// DynamoDB ends an answer after 16 MB, or when it has no more read units, and names the keys that are left. Asking for
/// those is not a repetition, as long as each answer brings rows.
async fn get_some(client: &Client, table: &Table, keys: &[&Key]) -> Result<Vec<Item>, DatabaseError> {
    let mut rows = Vec::with_capacity(keys.len());
    let mut open: Vec<Attributes> = keys.iter().map(|key| request::key(key)).collect();
    while !open.is_empty() {
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(open))
            .consistent_read(true)
            .build();
        let wanted = wanted.map_err(|error: BuildError| DatabaseError::Rejected(error.into()))?;
        let request = client.batch_get_item().request_items(table.name(), wanted);
        let answer = request.send().await.map_err(errors::of_read)?;
        let found = answer.responses.unwrap_or_default().remove(table.name());
        let left = answer.unprocessed_keys.unwrap_or_default().remove(table.name());
        open = left.map(|left| left.keys).unwrap_or_default();
        let found = found.unwrap_or_default();
        if found.is_empty() && !open.is_empty() {
            let words = format!("{} rows were not read", open.len());
            return Err(DatabaseError::Transient(TransientKind::Throttled, words.into()));
        }
        rows.extend(found.into_iter().map(attribute::from_attributes));
    }
    Ok(rows)
}

/// DynamoDB refuses a request that names a key twice.
fn different(keys: &[Key]) -> Vec<&Key> {
    let mut different: Vec<&Key> = Vec::with_capacity(keys.len());
    for key in keys {
        if !different.contains(&key) {
            different.push(key);
        }
    }
    different
}

fn in_order(keys: &[Key], rows: &[Item]) -> Vec<Option<Item>> {
    let is_of = |row: &Item, key: &Key| {
        key.attributes()
            .iter()
            .all(|(name, value)| row.get(name) == Some(value))
    };
    keys.iter()
        .map(|key| rows.iter().find(|row| is_of(row, key)).cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_put_in_the_order_of_their_keys() {
        let key = |id: &str| Key::of_view("p", id);
        let row = |id: &str| Item::from([("pk".to_owned(), "p".into()), ("sk".to_owned(), id.into())]);
        let keys = [key("b"), key("missing"), key("a"), key("b")];
        assert_eq!(different(&keys).len(), 3);
        let rows = in_order(&keys, &[row("a"), row("b")]);
        assert_eq!(rows, [Some(row("b")), None, Some(row("a")), Some(row("b"))]);
    }
}
