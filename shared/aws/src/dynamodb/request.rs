//! Writes of the engine as requests.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, BatchStatementRequest, ConditionCheck, Delete as DeleteAction, Put as PutAction,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update as UpdateAction,
};
use onecommit_engine::{Condition, DatabaseError, EventLog, Key, PENDING, Put, Query, Scan, Update, Value, Write};

use crate::dynamodb::attribute::{to_attribute, to_attributes};
use crate::dynamodb::expression::Expressions;

/// With a failed condition comes the row that was found: a duplicate is recognised without a read.
const FOUND_ROW: ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure::AllOld;

/// The condition of a write with the placeholders it shares with what was written before; the builders have the same
/// methods and no common trait.
macro_rules! conditioned {
    ($builder:expr, $write:expr, $expressions:ident) => {{
        let condition = $write.condition().map(|condition| $expressions.condition(condition));
        $builder
            .table_name($write.table().name())
            .set_condition_expression(condition)
            .set_expression_attribute_names($expressions.names())
            .set_expression_attribute_values($expressions.values())
            .return_values_on_condition_check_failure(FOUND_ROW)
    }};
}

pub(crate) fn transact_item(write: &Write) -> Result<TransactWriteItem, DatabaseError> {
    let mut expressions = Expressions::default();
    let item = TransactWriteItem::builder();
    let key = Some(key(write.key()));
    let built = match write {
        Write::Put(put) => {
            let action = PutAction::builder().set_item(Some(to_attributes(put.item())));
            conditioned!(action, write, expressions)
                .build()
                .map(|action| item.put(action))
        }
        Write::Update(update) => {
            let changes = expressions.update(update.changes()).unwrap_or_default();
            let action = UpdateAction::builder().set_key(key).update_expression(changes);
            conditioned!(action, write, expressions)
                .build()
                .map(|action| item.update(action))
        }
        Write::Delete(_) => {
            let action = DeleteAction::builder().set_key(key);
            conditioned!(action, write, expressions)
                .build()
                .map(|action| item.delete(action))
        }
        Write::Check(_) => {
            let action = ConditionCheck::builder().set_key(key);
            conditioned!(action, write, expressions)
                .build()
                .map(|action| item.condition_check(action))
        }
    };
    built
        .map(|item| item.build())
        .map_err(|error: BuildError| DatabaseError::Rejected(error.into()))
}

pub(crate) fn put(client: &Client, write: &Write, put: &Put) -> PutItemFluentBuilder {
    let mut expressions = Expressions::default();
    conditioned!(
        client.put_item().set_item(Some(to_attributes(put.item()))),
        write,
        expressions
    )
}

pub(crate) fn update(client: &Client, write: &Write, update: &Update) -> UpdateItemFluentBuilder {
    let mut expressions = Expressions::default();
    let changes = expressions.update(update.changes());
    let request = client
        .update_item()
        .set_key(Some(key(write.key())))
        .set_update_expression(changes);
    conditioned!(request, write, expressions)
}

pub(crate) fn delete(client: &Client, write: &Write) -> DeleteItemFluentBuilder {
    let mut expressions = Expressions::default();
    conditioned!(client.delete_item().set_key(Some(key(write.key()))), write, expressions)
}

pub(crate) fn query(client: &Client, query: &Query) -> QueryFluentBuilder {
    let mut expressions = Expressions::default();
    let (name, value) = query.partition();
    let mut keys = expressions.condition(&Condition::equals(name, value.clone()));
    if let Some((name, least, most)) = query.bounds() {
        keys = format!("{keys} AND {}", expressions.between(name, least, most));
    }
    let selected = expressions.projection(query.selected());
    client
        .query()
        .table_name(query.table().name())
        .set_projection_expression(selected)
        .set_index_name(query.index().map(|index| index.name.clone()))
        // DynamoDB refuses consistent reads of a global index.
        .consistent_read(query.index().is_none())
        .key_condition_expression(keys)
        .set_expression_attribute_names(expressions.names())
        .set_expression_attribute_values(expressions.values())
        .scan_index_forward(!query.is_backward())
        .set_limit(query.page_rows_max().map(limit))
        .set_exclusive_start_key(query.start().map(to_attributes))
}

pub(crate) fn scan(client: &Client, scan: &Scan) -> ScanFluentBuilder {
    let mut expressions = Expressions::default();
    let wanted = scan.wanted().map(|wanted| expressions.condition(wanted));
    client
        .scan()
        .table_name(scan.table().name())
        .consistent_read(true)
        .set_filter_expression(wanted)
        .set_expression_attribute_names(expressions.names())
        .set_expression_attribute_values(expressions.values())
        .set_limit(scan.page_rows_max().map(limit))
        .set_exclusive_start_key(scan.start().map(to_attributes))
}

/// `UPDATE` fails where there is no row, and so brings none back to life.
pub(crate) fn clear_pending(
    log: &EventLog,
    stream: &str,
    version: u64,
) -> Result<BatchStatementRequest, DatabaseError> {
    let statement = format!(
        r#"UPDATE "{}" REMOVE "{PENDING}" WHERE "stream" = ? AND "version" = ?"#,
        log.table()
    );
    let parameters = [Value::from(stream), version.into()];
    BatchStatementRequest::builder()
        .statement(statement)
        .set_parameters(Some(parameters.iter().map(to_attribute).collect()))
        .build()
        .map_err(|error: BuildError| DatabaseError::Rejected(error.into()))
}

fn limit(rows: u32) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}

pub(crate) fn key(key: &Key) -> HashMap<String, AttributeValue> {
    key.attributes()
        .iter()
        .map(|(name, value)| (name.clone(), to_attribute(value)))
        .collect()
}
