//! Who may say what: an event is believed because of the way it came, never because of what it says of itself.

use onecommit_event::Event;
use onecommit_saga::{SagaCancelRequested, SagaResolved, SagaRow};
use onecommit_testing::an_event;
use serde_json::{Value, json};
use storefront_money::{Currency, Money};
use storefront_orders::OrderConfirmed;
use storefront_payments::{CapturePayment, ProviderAnswered, ProviderOutcome};

use super::operator::operator;
use crate::api::{Answer, get, invoke_publisher, post_events, put, served};
use crate::aws::Aws;
use crate::deployment::functions_lines;
use crate::events::{json_of, order_created, unique};
use crate::patience::eventually_some;

/// What a sender from outside is told: the status, the reason, and the field that is to blame.
fn refused(aws: &Aws, event: &Value, reason: &str, field: &str) {
    let Answer { status, body } = post_events(aws.deployment, &event.to_string());
    let report = &body["results"][0];
    assert_eq!((status, &report["reason"]), (400, &json!(reason)), "{body}");
    let error = report["error"].as_str().unwrap();
    assert!(error.starts_with(&format!("{field}: ")), "{error}");
    assert_eq!(body["published"], 0);
}

fn answer_of_the_provider(order_id: &str) -> Event {
    let answer = ProviderAnswered {
        order_id: order_id.to_owned(),
        customer_id: format!("customer-of-{order_id}"),
        amount: Money::new(2_500, Currency::new("EUR").unwrap()),
        method: "card".to_owned(),
        outcome: ProviderOutcome::Captured,
    };
    an_event("ProviderPayment", &format!("pay_{order_id}"), answer)
}

async fn payment_row(aws: &Aws, order_id: &str) -> Option<onecommit_engine::Item> {
    let key = [("paymentId", format!("pay_{order_id}"))];
    aws.row(aws.deployment.output("PaymentsTableName"), &key).await
}

pub(super) async fn a_made_up_answer_of_the_payment_provider_settles_nothing() {
    let (aws, order_id) = (Aws::connect(), unique("ord"));
    let api = aws.deployment.output("PaymentsApiUrl");
    let behaviour = json!({"customerId": format!("customer-of-{order_id}"), "behaviour": "unreachable"});
    assert_eq!(
        put(&format!("{api}/payments/local-provider/behaviour"), &behaviour).status,
        200
    );
    let capture = CapturePayment {
        order_id: order_id.clone(),
        customer_id: format!("customer-of-{order_id}"),
        amount: Money::new(2_500, Currency::new("EUR").unwrap()),
        method: "card".to_owned(),
    };
    aws.publish_from_store(&an_event("OrderSaga", &order_id, capture)).await;

    let made_up = answer_of_the_provider(&order_id);
    refused(&aws, &json_of(&made_up), "EventTypeNotAllowed", "eventType");
    // Even on the way that payments trust, it is a hint and no more: the provider is asked, and has taken no money.
    aws.publish_from_store(&made_up).await;
    let marker = made_up.id().to_string();
    let parked = async || {
        let bodies = aws.take_bodies(aws.deployment.output("PaymentsDlqUrl")).await;
        bodies.into_iter().find(|body| body.contains(&marker))
    };
    eventually_some("the made-up answer in the dead-letter queue", parked).await;
    assert!(payment_row(&aws, &order_id).await.is_none());
    let payments = get(&format!("{api}/payments?orderId={order_id}"));
    assert_eq!(payments.body, json!({"payments": []}));
}

pub(super) async fn nobody_outside_asks_something_of_a_saga() {
    let (aws, order_id) = (Aws::connect(), unique("ord"));
    let reason = "in the name of somebody else".to_owned();
    let cancel = SagaCancelRequested { reason: reason.clone() };
    for request in [
        an_event("OrderSaga", &order_id, cancel),
        an_event("OrderSaga", &order_id, SagaResolved { reason }),
    ] {
        let mut request = json_of(&request);
        refused(&aws, &request, "ReservedEventType", "eventType");
        request["metadata"]["userId"] = json!("ceo@shop");
        refused(&aws, &request, "ReservedEventType", "eventType");
    }
    let key = [("sagaId", format!("OrderSaga#{order_id}"))];
    assert!(aws.row(aws.deployment.output("SagasTableName"), &key).await.is_none());
}

pub(super) async fn a_made_up_place_in_a_stream_reaches_no_view() {
    let (aws, order) = (Aws::connect(), order_created());
    let mut event = json_of(&order);
    event["metadata"]["sequence"] = json!(7);
    refused(&aws, &event, "ForbiddenField", "metadata.sequence");
    assert!(aws.ledger_row(&order).await.is_none() && aws.order(order.aggregate().id()).await.is_none());
}

pub(super) async fn nobody_acts_in_the_name_of_another_user() {
    let (aws, order) = (Aws::connect(), order_created());
    let mut event = json_of(&order);
    event["metadata"]["userId"] = json!("ceo@shop");
    refused(&aws, &event, "ForbiddenField", "metadata.userId");
    assert!(aws.ledger_row(&order).await.is_none() && aws.order(order.aggregate().id()).await.is_none());
}

pub(super) async fn a_forged_event_is_in_the_log_with_the_reason_and_the_field() {
    let (aws, order_id) = (Aws::connect(), unique("ord"));
    let forged = answer_of_the_provider(&order_id);
    refused(&aws, &json_of(&forged), "EventTypeNotAllowed", "eventType");
    let id = forged.id().to_string();
    let line = async || {
        let mut lines = functions_lines().into_iter();
        lines.find(|line| line.contains(&id) && line.contains("event from outside was rejected"))
    };
    let line = eventually_some("the refusal in the log", line).await;
    assert!(
        line.contains("EventTypeNotAllowed") && line.contains("eventType"),
        "{line}"
    );
    assert!(!line.contains(&order_id), "{line}");
}

/// A local API signs nobody in, so this is the request as API Gateway hands it on.
pub(super) async fn an_event_carries_the_user_who_signed_the_request() {
    let (aws, order) = (Aws::connect(), order_created());
    let queue = aws.queue_behind("OutsideFifoTopicArn").await;
    let arn = "arn:aws:iam::111122223333:user/ada";
    let signed = json!({
        "httpMethod": "POST", "body": order.to_json(), "isBase64Encoded": false,
        "requestContext": {"identity": {"userArn": arn}},
    });
    let answer = invoke_publisher(aws.deployment, &signed.to_string());
    assert_eq!(answer.body["statusCode"], json!(200), "{answer:?}");
    let id = order.id().to_string();
    let published = async || {
        aws.take_bodies(&queue)
            .await
            .into_iter()
            .find(|body| body.contains(&id))
    };
    let published = eventually_some("the event on the outside way", published).await;
    let published: Value = serde_json::from_str(&published).unwrap();
    assert_eq!(published["metadata"]["userId"], json!(arn));
}

pub(super) async fn nobody_outside_publishes_what_a_context_says() {
    let (aws, order_id) = (Aws::connect(), unique("ord"));
    let confirmed = json_of(&an_event("Order", &order_id, OrderConfirmed {}));
    refused(&aws, &confirmed, "EventTypeNotAllowed", "eventType");
    for event_type in ["ConfirmOrder", "PaymentRefunded", "InventoryReserved", "OrderRequested"] {
        let mut event = confirmed.clone();
        event["eventType"] = json!(event_type);
        refused(&aws, &event, "EventTypeNotAllowed", "eventType");
    }
    let api = aws.deployment.output("OrdersApiUrl");
    assert_eq!(get(&format!("{api}/orders/{order_id}/events")).status, 404);
}

/// A command that the journal keeps is of the person that AWS knows, whatever they call themselves.
pub(super) async fn what_an_operator_asks_is_noted_under_their_aws_identity() {
    let (aws, order_id, sku) = (Aws::connect(), unique("ord"), unique("sku"));
    let customer = format!("customer-of-{order_id}");
    let product = format!("{}/catalog/products/{sku}", aws.deployment.output("CatalogApiUrl"));
    let price = json!({"minorUnits": 1_250, "currency": "EUR"});
    let described = json!({"name": "Teapot", "category": "teapots", "price": price, "description": "Holds a litre."});
    assert_eq!(put(&product, &described).status, 200);
    let addition = json!({"additionId": "first", "quantity": 5});
    assert_eq!(served("POST", &format!("{product}/stock"), Some(&addition)).status, 200);
    // While the provider is silent, the saga waits for its payment.
    let behaviours = format!(
        "{}/payments/local-provider/behaviour",
        aws.deployment.output("PaymentsApiUrl")
    );
    let behave = |behaviour| put(&behaviours, &json!({"customerId": customer, "behaviour": behaviour})).status;
    assert_eq!(behave("unreachable"), 200);
    let order = json!({
        "orderId": order_id, "customerId": customer, "currency": "EUR", "paymentMethod": "card",
        "items": [{"sku": sku, "quantity": 2, "unitPriceMinor": 1_250}],
    });
    let orders = format!("{}/orders", aws.deployment.output("OrdersApiUrl"));
    assert!(served("POST", &orders, Some(&order)).status < 300);
    let saga = format!("OrderSaga#{order_id}");
    let key = [("sagaId", saga.clone())];
    let row = async || aws.row(aws.deployment.output("SagasTableName"), &key).await;
    eventually_some("the saga to begin", &row).await;

    let reason = "by telephone";
    let asked = operator(&aws, &["sagas", "cancel", &saga, "--reason", reason, "--yes"]);
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let by = async || {
        let row = SagaRow::from_item(&row().await?).unwrap();
        let mut timeline = row.timeline().iter();
        timeline
            .find(|entry| entry.detail.as_deref() == Some(reason))?
            .by
            .clone()
    };
    let by = eventually_some("the request in the journal", by).await;
    assert_eq!(by, "arn:aws:iam::000000000000:root");
    assert_eq!(behave("approve"), 200);
}

/// What comes from outside past the publisher reaches those who trust that way, and nobody else.
pub(super) async fn the_outside_way_ends_at_the_queues_that_trust_it() {
    let aws = Aws::connect();
    for (topic, queue) in [
        ("OutsideTopicArn", "ConsumerQueueUrl"),
        ("OutsideFifoTopicArn", "FifoQueueUrl"),
    ] {
        let arn = aws.queue_arn(aws.deployment.output(queue)).await;
        assert_eq!(aws.subscribers_of(aws.deployment.output(topic)).await, [arn], "{topic}");
    }
    let consumer = aws.queue_arn(aws.deployment.output("ConsumerQueueUrl")).await;
    let trusting_the_store = aws.subscribers_of(aws.deployment.output("EventsTopicArn")).await;
    assert!(!trusting_the_store.contains(&consumer), "{trusting_the_store:?}");
}
