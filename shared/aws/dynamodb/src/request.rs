//! Writes of the engine as requests.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete as DeleteAction, Put as PutAction, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update as UpdateAction,
};
use onecommit_commit::{Condition, DatabaseError, Delete, Key, Put, Query, Update, Write};

use crate::attribute::{to_attribute, to_attributes};
use crate::expression::Expressions;

/// With a failed condition comes the row that was found: a duplicate is recognised without a read.
const FOUND_ROW: ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure::AllOld;

pub(crate) fn transact_item(write: &Write) -> Result<TransactWriteItem, DatabaseError> {
    let mut expressions = Expressions::default();
    let condition = write.condition().map(|condition| expressions.condition(condition));
    let table = write.table().name();
    let item = TransactWriteItem::builder();
    let built = match write {
        Write::Put(put) => PutAction::builder()
            .table_name(table)
            .set_item(Some(to_attributes(put.item())))
            .set_condition_expression(condition)
            .set_expression_attribute_names(expressions.names())
            .set_expression_attribute_values(expressions.values())
            .return_values_on_condition_check_failure(FOUND_ROW)
            .build()
            .map(|action| item.put(action)),
        Write::Update(update) => {
            let changes = expressions.update(update.changes());
            UpdateAction::builder()
                .table_name(table)
                .set_key(Some(key(write.key())))
                .set_update_expression(changes.or_else(|| Some(String::new())))
                .set_condition_expression(condition)
                .set_expression_attribute_names(expressions.names())
                .set_expression_attribute_values(expressions.values())
                .return_values_on_condition_check_failure(FOUND_ROW)
                .build()
                .map(|action| item.update(action))
        }
        Write::Delete(_) => DeleteAction::builder()
            .table_name(table)
            .set_key(Some(key(write.key())))
            .set_condition_expression(condition)
            .set_expression_attribute_names(expressions.names())
            .set_expression_attribute_values(expressions.values())
            .return_values_on_condition_check_failure(FOUND_ROW)
            .build()
            .map(|action| item.delete(action)),
        Write::Check(_) => ConditionCheck::builder()
            .table_name(table)
            .set_key(Some(key(write.key())))
            .set_condition_expression(condition)
            .set_expression_attribute_names(expressions.names())
            .set_expression_attribute_values(expressions.values())
            .return_values_on_condition_check_failure(FOUND_ROW)
            .build()
            .map(|action| item.condition_check(action)),
    };
    built
        .map(|item| item.build())
        .map_err(|error: BuildError| DatabaseError::Rejected(error.into()))
}

pub(crate) fn put(client: &Client, put: &Put) -> PutItemFluentBuilder {
    let write = Write::Put(put.clone());
    let mut expressions = Expressions::default();
    let condition = write.condition().map(|condition| expressions.condition(condition));
    client
        .put_item()
        .table_name(write.table().name())
        .set_item(Some(to_attributes(put.item())))
        .set_condition_expression(condition)
        .set_expression_attribute_names(expressions.names())
        .set_expression_attribute_values(expressions.values())
        .return_values_on_condition_check_failure(FOUND_ROW)
}

pub(crate) fn update(client: &Client, update: &Update) -> UpdateItemFluentBuilder {
    let write = Write::Update(update.clone());
    let mut expressions = Expressions::default();
    let condition = write.condition().map(|condition| expressions.condition(condition));
    let changes = expressions.update(update.changes());
    client
        .update_item()
        .table_name(write.table().name())
        .set_key(Some(key(write.key())))
        .set_update_expression(changes)
        .set_condition_expression(condition)
        .set_expression_attribute_names(expressions.names())
        .set_expression_attribute_values(expressions.values())
        .return_values_on_condition_check_failure(FOUND_ROW)
}

pub(crate) fn delete(client: &Client, delete: &Delete) -> DeleteItemFluentBuilder {
    let write = Write::Delete(delete.clone());
    let mut expressions = Expressions::default();
    let condition = write.condition().map(|condition| expressions.condition(condition));
    client
        .delete_item()
        .table_name(write.table().name())
        .set_key(Some(key(write.key())))
        .set_condition_expression(condition)
        .set_expression_attribute_names(expressions.names())
        .set_expression_attribute_values(expressions.values())
        .return_values_on_condition_check_failure(FOUND_ROW)
}

pub(crate) fn query(client: &Client, query: &Query) -> QueryFluentBuilder {
    let mut expressions = Expressions::default();
    let (name, value) = query.partition();
    let mut keys = expressions.condition(&Condition::equals(name, value.clone()));
    if let Some((name, least, most)) = query.bounds() {
        keys = format!("{keys} AND {}", expressions.between(name, least, most));
    }
    client
        .query()
        .table_name(query.table().name())
        .consistent_read(true)
        .key_condition_expression(keys)
        .set_expression_attribute_names(expressions.names())
        .set_expression_attribute_values(expressions.values())
        .scan_index_forward(!query.is_backward())
        .set_limit(
            query
                .page_rows_max()
                .map(|rows| i32::try_from(rows).unwrap_or(i32::MAX)),
        )
        .set_exclusive_start_key(query.start().map(to_attributes))
}

pub(crate) fn key(key: &Key) -> HashMap<String, AttributeValue> {
    key.attributes()
        .iter()
        .map(|(name, value)| (name.clone(), to_attribute(value)))
        .collect()
}
