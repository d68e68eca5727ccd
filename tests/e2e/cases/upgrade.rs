//! A stack of the previous version, with its rows and its messages, is updated in place to today's.

use std::collections::BTreeMap;

use onecommit_engine::{EventLog, Item, PENDING};
use onecommit_environment::Environment;
use onecommit_event::Event;
use serde_json::{Value, json};

use super::operator::{operator, printed};
use crate::api::{get, put, served};
use crate::aws::{Attributes, Aws};
use crate::deployment;
use crate::events::order_created;
use crate::patience::eventually_some;
use crate::previous::{self, Row};
use crate::rows::{number, text};

const STACK: &str = "upgrade-e2e";
const TODAY: &str = "infra/template.yaml";
/// With the bucket, which the shared stack has, too.
const BEFORE: (&str, &str) = ("ClaimCheck", "on");
/// With the table that the operator's program is told of.
const AFTER: (&str, &str) = ("ServiceAuth", "token");
/// What held data, or had an address that others keep: the rules compare the same resources in the templates.
const KEPT: &str = include_str!("../../rules/previous/resources.json");
/// MiniStack makes a new API when the API's description changes, and AWS changes the one that is there.
const REPLACED_BY_MINISTACK: &str = "AWS::Serverless::Api";

pub(super) async fn a_stack_of_the_previous_version_is_updated_in_place_and_goes_on() {
    let outputs = deployment::stack_with_stand_ins(STACK, &previous::template(), &[BEFORE]);
    let before = deployment::resources_of(STACK);
    let rows = previous::rows_written_at(Environment::system().clock().now());
    let aws = Aws::connect_to(deployment::of_a_case(STACK, outputs));
    for row in &rows {
        let put = aws.dynamodb.put_item().table_name(aws.deployment.output(row.output));
        put.set_item(Some(row.attributes())).send().await.unwrap();
    }
    let waiting = order_created();
    aws.send_body(&waiting.to_json(), Attributes::new()).await;

    // As docs/sagas.md has it: one change of an index per deployment.
    let aws = updated(&[AFTER, ("OlderSagaIndex", "keep")]);
    same_resources(&before, &deployment::resources_of(STACK));
    let indexed = printed(&operator(&aws, &["sagas", "index", "--json"]));
    assert_eq!(indexed[0]["failed"], 0, "{indexed:?}");

    sagas_go_on(&aws).await;
    copies_are_absorbed_and_what_waited_is_handled(&aws, &rows, &waiting).await;
    rows_are_there(&aws, &rows).await;
    apis_show_and_change_what_was_there(&aws).await;

    let aws = updated(&[AFTER, ("OlderSagaIndex", "drop")]);
    same_resources(&before, &deployment::resources_of(STACK));
    assert_eq!(indexes_of(&aws, "SagasTableName").await, ["deadlines"]);
}

/// Updates the stack to today's template and functions.
fn updated(parameters: &[(&str, &str)]) -> Aws {
    let outputs = deployment::another_stack(STACK, TODAY, parameters);
    Aws::connect_to(deployment::of_a_case(STACK, outputs))
}

fn same_resources(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) {
    let kept: BTreeMap<String, Value> = serde_json::from_str(KEPT).unwrap();
    let kept: Vec<&String> = kept
        .iter()
        .filter(|(_, resource)| resource["Type"] != REPLACED_BY_MINISTACK)
        .map(|(id, _)| id)
        .collect();
    assert!(kept.len() > 30, "{kept:?}");
    for id in kept {
        assert!(before.contains_key(id), "the previous version has no {id}");
        assert_eq!(before.get(id), after.get(id), "{id} was replaced");
    }
}

/// The relay publishes the commands that nobody had published, and both sagas end.
async fn sagas_go_on(aws: &Aws) {
    for (order_id, ended) in [("ord_waiting", "Completed"), ("ord_declined", "Compensated")] {
        let key = [("sagaId", format!("OrderSaga#{order_id}"))];
        let saga = async || {
            let saga = aws.row(aws.deployment.output("SagasTableName"), &key).await?;
            (text(&saga, "status") == Some(ended)).then_some(())
        };
        eventually_some(&format!("the saga of {order_id} to be {ended}"), saga).await;
    }
}

async fn copies_are_absorbed_and_what_waited_is_handled(aws: &Aws, rows: &[Row], waiting: &Event) {
    let handled = handled_by_the_view(rows);
    // One payment, which a second time would be added to the first.
    assert!(handled.iter().any(|event| event.event_type() == "PaymentProcessed"));
    let order = [("pk", "order#ord_done".to_owned()), ("sk", "summary".to_owned())];
    let shown = async || aws.row(aws.deployment.output("ViewsTableName"), &order).await.unwrap();
    let before = shown().await;
    assert_eq!(number(&before, "paidMinorUnits"), Some(2_500));
    let copies = handled.iter().map(Event::to_json).collect();
    aws.send_bodies(aws.deployment.output("ConsumerQueueUrl"), copies).await;

    aws.handled(waiting).await;
    aws.drained().await;
    assert_eq!(shown().await, before, "a copy took effect");
    for event in handled {
        let recorded = aws.ledger_row(&event).await;
        let written = rows.iter().find(|row| recorded.as_ref() == Some(&row.item()));
        assert!(written.is_some(), "the record of {} changed: {recorded:?}", event.id());
    }
    nothing_is_parked(aws).await;
}

async fn nothing_is_parked(aws: &Aws) {
    let outputs = aws.deployment.outputs().iter();
    let queues: Vec<_> = outputs.filter(|(name, _)| name.ends_with("DlqUrl")).collect();
    assert!(queues.len() > 5, "{queues:?}");
    for (name, url) in queues {
        assert_eq!(aws.messages_in(url).await, 0, "messages are in {name}");
    }
}

/// The events whose handling the consumer of today's name had recorded.
fn handled_by_the_view(rows: &[Row]) -> Vec<Event> {
    let ledger: Vec<Item> = of_table(rows, "ledger").map(Row::item).collect();
    let is_recorded = |event: &Event| {
        let key = format!("orders-view#{}", event.id());
        ledger.iter().any(|row| text(row, "pk") == Some(key.as_str()))
    };
    let events = of_table(rows, "events").map(|row| EventLog::event_in(&row.item()).unwrap());
    events.filter(is_recorded).collect()
}

fn of_table<'a>(rows: &'a [Row], table: &'a str) -> impl Iterator<Item = &'a Row> {
    rows.iter().filter(move |row| row.table == table)
}

/// Every row is there, and those that nothing had to change are as they were.
async fn rows_are_there(aws: &Aws, rows: &[Row]) {
    assert!(rows.len() > 100);
    for row in rows {
        let request = aws.dynamodb.get_item().table_name(aws.deployment.output(row.output));
        let request = request.set_key(Some(row.key())).consistent_read(true);
        let found = request.send().await.unwrap().item.map(crate::rows::item);
        let found = found.unwrap_or_else(|| panic!("{:?} is gone from {}", row.key(), row.table));
        if is_at_rest(row) {
            assert_eq!(without_mark(found), without_mark(row.item()), "in {}", row.table);
        }
    }
}

/// Whether neither the two sagas that go on nor the projector change it.
fn is_at_rest(row: &Row) -> bool {
    const CHANGED: [&str; 4] = ["ord_waiting", "ord_declined", "view-control", "product#TEAPOT"];
    let key = format!("{:?}", row.key());
    ["ledger", "events"].contains(&row.table) || !CHANGED.iter().any(|changed| key.contains(changed))
}

/// The relay takes the mark of what it has published.
fn without_mark(mut row: Item) -> Item {
    row.remove(PENDING);
    row
}

async fn apis_show_and_change_what_was_there(aws: &Aws) {
    let url = |api: &str, path: &str| format!("{}{path}", aws.deployment.output(api));
    let shown = |api: &str, path: &str| {
        let answer = get(&url(api, path));
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    };
    let stock = shown("CatalogApiUrl", "/catalog/products/TEAPOT/stock");
    let counts = ["start", "available", "held", "confirmed"].map(|count| stock[count].as_i64());
    assert_eq!(counts, [10, 6, 0, 4].map(Some), "{stock}");
    let product = shown("CatalogApiUrl", "/catalog/products/TEAPOT");
    assert_eq!(
        product["price"],
        json!({"minorUnits": 1_250, "currency": "EUR"}),
        "{product}"
    );

    let user = shown("UsersApiUrl", "/users/ada");
    assert_eq!((&user["displayName"], &user["version"]), (&json!("ada"), &json!(2)));
    assert!(user["createdAt"].is_string(), "read from the first event: {user}");
    let preferences = shown("UsersApiUrl", "/users/ada/preferences");
    assert_eq!(preferences["email"], "ada@example.com", "{preferences}");
    let changed = put(&url("UsersApiUrl", "/users/ada/preferences"), &json!({"channels": []}));
    assert_eq!(
        (changed.status, &changed.body["version"]),
        (200, &json!(3)),
        "{changed:?}"
    );

    for (order_id, status) in [
        ("ord_done", "confirmed"),
        ("ord_waiting", "confirmed"),
        ("ord_declined", "cancelled"),
    ] {
        let order = shown("OrdersApiUrl", &format!("/orders/{order_id}"));
        assert_eq!(order["status"], status, "{order}");
    }
    let shipment = json!({"carrier": "DHL", "trackingId": "JD-1"});
    let shipped = served(
        "POST",
        &url("OrdersApiUrl", "/orders/ord_done/shipment"),
        Some(&shipment),
    );
    assert_eq!(
        (shipped.status, &shipped.body["status"]),
        (200, &json!("shipped")),
        "{shipped:?}"
    );
    let payment = shown("PaymentsApiUrl", "/payments/pay_ord_done");
    assert_eq!(payment["status"], "captured", "{payment}");
    let notifications = shown("NotificationsApiUrl", "/notifications?customerId=ada");
    let told = notifications["notifications"].as_array().unwrap().iter();
    assert!(
        told.map(|one| &one["orderId"]).any(|order_id| order_id == "ord_done"),
        "{notifications}"
    );

    // The row that the previous version began: seen are its first event, the confirmation and now the shipment.
    let summary = [
        ("pk", "order-summary@1#ord_done".to_owned()),
        ("sk", "summary".to_owned()),
    ];
    let follows = async || {
        let row = aws.row(aws.deployment.output("ViewsTableName"), &summary).await?;
        (number(&row, "seq") == Some(3) && text(&row, "status") == Some("shipped")).then_some(())
    };
    eventually_some("the view of the order to follow", follows).await;
}

async fn indexes_of(aws: &Aws, table: &str) -> Vec<String> {
    let described = aws.dynamodb.describe_table().table_name(aws.deployment.output(table));
    let table = described.send().await.unwrap().table.unwrap();
    let indexes = table.global_secondary_indexes.unwrap_or_default();
    indexes.into_iter().filter_map(|index| index.index_name).collect()
}
