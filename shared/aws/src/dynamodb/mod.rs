//! The commit engine's database on DynamoDB: one request per call, errors sorted by what to do about them.

mod attribute;
mod errors;
mod expression;
mod request;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, BatchStatementErrorCodeEnum, KeysAndAttributes};
use futures_util::future::try_join_all;
use onecommit_engine::{
    DatabaseError, EventLog, Item, Key, Page, PendingMarks, Query, Scan, Table, TableReader, TableWriter, Transaction,
    TransientKind, Write,
};

use crate::session::Session;

/// DynamoDB as the engine's [`TableWriter`].
#[derive(Clone, Debug)]
pub struct DynamoDb {
    client: Client,
}

impl DynamoDb {
    /// A client of this session. Nothing is sent before the first request.
    #[must_use]
    pub fn new(session: &Session) -> Self {
        Self {
            client: Client::new(&session.sdk_config()),
        }
    }

    /// The same, shared.
    #[must_use]
    pub fn shared(session: &Session) -> Arc<dyn TableWriter> {
        Arc::new(Self::new(session))
    }

    async fn get_item(&self, table: &Table, key: &Key, is_consistent: bool) -> Result<Option<Item>, DatabaseError> {
        let request = self
            .client
            .get_item()
            .table_name(table.name())
            .set_key(Some(request::key(key)))
            .consistent_read(is_consistent);
        let answer = request.send().await.map_err(errors::of_read)?;
        Ok(answer.item.map(attribute::from_attributes))
    }

    /// The rows that are there, in no promised order. DynamoDB leaves out what exceeds 16 MB or the table's capacity; that
    /// is asked for again as long as each request brings something.
    async fn batch_get(&self, table: &Table, keys: &[&Key]) -> Result<Vec<Item>, DatabaseError> {
        let mut wanted: Vec<_> = keys.iter().map(|key| request::key(key)).collect();
        let mut found = Vec::with_capacity(keys.len());
        while !wanted.is_empty() {
            let asked = wanted.len();
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(true);
            let keys = keys.build().map_err(|error| DatabaseError::Rejected(error.into()))?;
            let request = self.client.batch_get_item().request_items(table.name(), keys);
            let answer = request.send().await.map_err(errors::of_read)?;
            let rows = answer.responses.unwrap_or_default().into_values().flatten();
            found.extend(rows.map(attribute::from_attributes));
            let left = answer.unprocessed_keys.unwrap_or_default().into_values();
            wanted = left.flat_map(|left| left.keys).collect();
            if wanted.len() >= asked {
                let words = "BatchGetItem processed none of its keys";
                return Err(DatabaseError::Transient(TransientKind::Throttled, words.into()));
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl TableWriter for DynamoDb {
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        let items = transaction
            .writes
            .iter()
            .map(request::transact_item)
            .collect::<Result<Vec<_>, _>>()?;
        let request = self
            .client
            .transact_write_items()
            .client_request_token(transaction.token.to_string())
            .set_transact_items(Some(items));
        request.send().await.map(|_| ()).map_err(errors::of_transaction)
    }

    async fn write(&self, write: &Write) -> Result<(), DatabaseError> {
        match write {
            Write::Put(put) => {
                let request = request::put(&self.client, write, put);
                request.send().await.map(|_| ()).map_err(errors::of_write)
            }
            Write::Update(update) => {
                let request = request::update(&self.client, write, update);
                request.send().await.map(|_| ()).map_err(errors::of_write)
            }
            Write::Delete(_) => request::delete(&self.client, write)
                .send()
                .await
                .map(|_| ())
                .map_err(errors::of_write),
            Write::Check(_) => {
                // DynamoDB checks a condition without a write only inside a transaction.
                let items = vec![request::transact_item(write)?];
                let request = self.client.transact_write_items().set_transact_items(Some(items));
                request.send().await.map(|_| ()).map_err(errors::of_transaction)
            }
        }
    }
}

#[async_trait]
impl TableReader for DynamoDb {
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.get_item(table, key, true).await
    }

    async fn get_eventually(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.get_item(table, key, false).await
    }

    async fn get_all(&self, table: &Table, keys: &[Key]) -> Result<Vec<Option<Item>>, DatabaseError> {
        let mut found = Vec::new();
        // DynamoDB refuses a request that names a row twice.
        let mut wanted: Vec<&Key> = Vec::with_capacity(keys.len());
        for key in keys {
            if !wanted.contains(&key) {
                wanted.push(key);
            }
        }
        for some in wanted.chunks(ROWS_MAX) {
            found.append(&mut self.batch_get(table, some).await?);
        }
        let has = |row: &Item, key: &Key| {
            let attributes = key.attributes().iter();
            attributes.clone().all(|(name, value)| row.get(name) == Some(value))
        };
        let row_of = |key| found.iter().find(|row| has(row, key)).cloned();
        Ok(keys.iter().map(row_of).collect())
    }

    async fn query(&self, query: &Query) -> Result<Page, DatabaseError> {
        let answer = request::query(&self.client, query)
            .send()
            .await
            .map_err(errors::of_read)?;
        let next = answer
            .last_evaluated_key
            .map(|key| query.clone().after(attribute::from_attributes(key)));
        Ok(Page {
            rows: rows_of(answer.items),
            next,
        })
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        let answer = request::scan(&self.client, scan)
            .send()
            .await
            .map_err(errors::of_read)?;
        let next = answer
            .last_evaluated_key
            .map(|key| scan.clone().after(attribute::from_attributes(key)));
        Ok(Page {
            rows: rows_of(answer.items),
            next,
        })
    }
}

/// The most rows of one `BatchGetItem`
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>).
const ROWS_MAX: usize = 100;

/// The most statements of one `BatchExecuteStatement`
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.multiplestatements.batching.html>).
const STATEMENTS_MAX: usize = 25;

#[async_trait]
impl PendingMarks for DynamoDb {
    async fn clear(&self, log: &EventLog, events: &[(&str, u64)]) -> Result<(), DatabaseError> {
        let requests = events.chunks(STATEMENTS_MAX).map(|some| async {
            let statements = some
                .iter()
                .map(|(stream, version)| request::clear_pending(log, stream, *version))
                .collect::<Result<Vec<_>, _>>()?;
            let request = self.client.batch_execute_statement().set_statements(Some(statements));
            let answer = request.send().await.map_err(errors::of_read)?;
            let failed = answer
                .responses
                .unwrap_or_default()
                .into_iter()
                .filter_map(|response| response.error);
            // A row that is gone has no mark either.
            let gone = BatchStatementErrorCodeEnum::ConditionalCheckFailed;
            match failed.into_iter().find(|error| error.code.as_ref() != Some(&gone)) {
                None => Ok(()),
                Some(error) => {
                    let words = format!("{:?}: {}", error.code, error.message.unwrap_or_default());
                    Err(DatabaseError::Transient(TransientKind::Unavailable, words.into()))
                }
            }
        });
        try_join_all(requests).await.map(drop)
    }
}

fn rows_of(items: Option<Vec<HashMap<String, AttributeValue>>>) -> Vec<Item> {
    items
        .unwrap_or_default()
        .into_iter()
        .map(attribute::from_attributes)
        .collect()
}
