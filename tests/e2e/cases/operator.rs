//! The operator's command line on what is deployed.

use std::process::{Command, Output};
use std::sync::Arc;

use onecommit_aws::DynamoDb;
use onecommit_engine::{EventLog, Table};
use onecommit_environment::Environment;
use onecommit_event::{Aggregate, Metadata};
use onecommit_event_store::EventStore;
use serde_json::Value;
use storefront_orders::{NewOrder, Order, OrderCommand, OrderCreated, OrderShipped, OrderedLine};

use crate::aws::Aws;
use crate::events::{order_created, unique};
use crate::patience::eventually;
use crate::worker::binary;

/// Runs the program as an operator does.
pub(super) fn operator(aws: &Aws, arguments: &[&str]) -> Output {
    Command::new(binary("operator"))
        .args(arguments)
        .env_clear()
        .envs([
            ("AWS_ENDPOINT_URL", aws.deployment.endpoint.as_str()),
            ("AWS_REGION", &aws.deployment.region),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("EVENTS_TABLE_NAME", aws.deployment.output("EventsTableName")),
            ("SUBJECT_KEYS_TABLE_NAME", aws.deployment.output("SubjectKeysTableName")),
            ("EVENTS_TOPIC_ARN", aws.deployment.output("EventsTopicArn")),
            ("EVENT_BUS_NAME", aws.deployment.output("EventBusName")),
            ("EVENT_SOURCE", aws.deployment.output("StoreEventSource")),
            ("SAGAS_TABLE_NAME", aws.deployment.output("SagasTableName")),
            ("API_KEYS_TABLE_NAME", aws.deployment.output("ApiKeysTableName")),
            ("CIRCUITS_TABLE_NAME", aws.deployment.output("CircuitsTableName")),
            ("ORCHESTRATOR_QUEUE_URL", aws.deployment.output("OrchestratorQueueUrl")),
        ])
        .output()
        .unwrap()
}

/// The lines it prints, each of them JSON.
pub(super) fn printed(output: &Output) -> Vec<Value> {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(super) async fn an_orders_life_is_told_from_the_store_exported_verified_and_published_once_more() {
    let aws = Aws::connect();
    let database = Arc::new(DynamoDb::new(&aws.session));
    let log = EventLog::new(Table::new(aws.deployment.output("EventsTableName"))).with_pending_marks();
    let store = EventStore::new(database, log, Environment::system());
    let stream = Aggregate::new("Order", unique("ord")).unwrap();
    let created = order_created().decode::<OrderCreated>().unwrap().into_payload();
    let lines = created.items.iter().map(|line| OrderedLine {
        sku: line.sku.clone(),
        quantity: line.quantity,
        unit_price: storefront_money::Money::new(line.unit_price_minor, created.total.currency()),
    });
    let create = OrderCommand::Create(NewOrder {
        customer_id: created.customer_id.clone(),
        lines: lines.collect(),
        total: created.total,
    });
    let ship = OrderCommand::Ship(OrderShipped {
        carrier: "DHL".to_owned(),
        tracking_id: "JD014600003".to_owned(),
    });
    for command in [create, OrderCommand::Confirm, ship, OrderCommand::Deliver] {
        let metadata = Metadata::starting(unique("request"));
        store.execute::<Order>(&stream, &command, &metadata).await.unwrap();
    }

    let name = stream.to_string();
    let events = printed(&operator(&aws, &["events", "show", &name, "--json"]));
    let types: Vec<&str> = events
        .iter()
        .map(|event| event["eventType"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        ["OrderCreated", "OrderConfirmed", "OrderShipped", "OrderDelivered"]
    );
    for (version, status) in [(1, "created"), (2, "confirmed"), (3, "shipped"), (4, "delivered")] {
        let version = version.to_string();
        let state = printed(&operator(
            &aws,
            &["events", "state", &name, "--at-version", &version, "--json"],
        ));
        assert_eq!(state[0]["state"]["status"], status);
    }

    let file = std::env::temp_dir().join(unique("export"));
    let path = file.to_str().unwrap();
    let exported = printed(&operator(
        &aws,
        &["events", "export", &name, "--output", path, "--json"],
    ));
    let head = exported[0]["head"].as_str().unwrap();
    assert!(
        operator(&aws, &["events", "verify", path, "--head", head])
            .status
            .success()
    );
    let changed = std::fs::read_to_string(&file)
        .unwrap()
        .replace("JD014600003", "JD014600004");
    std::fs::write(&file, changed).unwrap();
    let verified = operator(&aws, &["events", "verify", path, "--head", head]);
    std::fs::remove_file(&file).unwrap();
    let errors = String::from_utf8_lossy(&verified.stderr);
    assert!(!verified.status.success() && errors.contains("was changed"), "{errors}");

    // What the relay still has to publish would come there, too.
    let table = aws.deployment.output("EventsTableName");
    let has_left = async || !aws.is_pending(table, &stream, 4).await;
    eventually("the relay to have published the last event", has_left, |left| *left).await;
    let queue_url = aws.queue_behind_fifo_topic().await;
    let backfilled = printed(&operator(&aws, &["events", "backfill", "--stream", &name, "--json"]));
    assert_eq!(backfilled[0]["published"], 4);
    // Nothing goes to the FIFO topic, which was not named to it.
    assert!(
        !aws.take_bodies(&queue_url)
            .await
            .iter()
            .any(|body| body.contains(stream.id()))
    );
}
