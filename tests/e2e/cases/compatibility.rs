//! Where local AWSs differ from AWS and from each other, as `docs/local-aws.md` tells it. A case that fails here means that
//! the table has to change, and perhaps what was done because of it.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use futures_util::future::join_all;

use super::database::{PARTITION_KEY, create_table};
use crate::aws::Aws;
use crate::local_aws;
use crate::rows::number;

const AT_ONCE: usize = 8;
const EACH: usize = 10;

pub(super) async fn transactions_on_the_same_items_wait_for_each_other_and_never_conflict() {
    let aws = Aws::connect();
    let table = create_table(&aws, &[PARTITION_KEY]).await;
    let update = |pk: &str| {
        let update = Update::builder()
            .table_name(table.name())
            .key("pk", AttributeValue::S(pk.to_owned()))
            .update_expression("ADD n :one")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        TransactWriteItem::builder().update(update.build().unwrap()).build()
    };
    let several = async || {
        for _ in 0..EACH {
            let transaction = aws.dynamodb.transact_write_items();
            let transaction = transaction
                .transact_items(update("one"))
                .transact_items(update("other"));
            transaction.send().await.unwrap();
        }
    };
    join_all((0..AT_ONCE).map(|_| several())).await;
    for pk in ["one", "other"] {
        let row = aws.row(table.name(), &[("pk", pk.to_owned())]).await.unwrap();
        assert_eq!(number(&row, "n"), Some((AT_ONCE * EACH) as i64), "{pk}");
    }
}

pub(super) async fn event_bridge_refuses_a_detail_that_is_no_json_on_localstack_only() {
    let aws = Aws::connect();
    let entry = PutEventsRequestEntry::builder()
        .event_bus_name(aws.deployment.output("EventBusName"))
        .source("shop.orders")
        .detail_type("OrderCreated")
        .detail("{broken");
    let answer = aws
        .event_bridge
        .put_events()
        .entries(entry.build())
        .send()
        .await
        .unwrap();
    let refused = answer.entries().iter().filter_map(|entry| entry.error_code());
    let expected: &[&str] = if local_aws::is_localstack() {
        &["MalformedDetail"]
    } else {
        &[]
    };
    assert_eq!(refused.collect::<Vec<_>>(), expected);
}
