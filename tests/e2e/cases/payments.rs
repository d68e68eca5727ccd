//! An order's money, with a provider that misbehaves.

use onecommit_event::{Event, Payload};
use onecommit_testing::an_event;
use serde_json::{Value, json};
use storefront_money::{Currency, Money};
use storefront_payments::{
    CapturePayment, PaymentDeclined, PaymentProcessed, PaymentRefunded, PaymentUnchanged, RefundPayment,
};

use crate::api::{get, put};
use crate::aws::Aws;
use crate::events::unique;
use crate::replies::Replies;

fn euros(minor_units: i64) -> Money {
    Money::new(minor_units, Currency::new("EUR").unwrap())
}

/// The customer of an order is nobody else's, so that a behaviour towards them is only for this case.
fn customer_of(order_id: &str) -> String {
    format!("customer-of-{order_id}")
}

fn capture(order_id: &str) -> Event {
    let command = CapturePayment {
        order_id: order_id.to_owned(),
        customer_id: customer_of(order_id),
        amount: euros(2_500),
        method: "card".to_owned(),
    };
    an_event("OrderSaga", order_id, command)
}

fn refund(order_id: &str) -> Event {
    let command = RefundPayment {
        order_id: order_id.to_owned(),
        reason: "given up".to_owned(),
    };
    an_event("OrderSaga", order_id, command)
}

fn behave(aws: &Aws, order_id: &str, behaviour: &str) {
    let url = format!(
        "{}/payments/local-provider/behaviour",
        aws.deployment.output("PaymentsApiUrl")
    );
    let answer = put(
        &url,
        &json!({"customerId": customer_of(order_id), "behaviour": behaviour}),
    );
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// The status here, and the status in the provider's own house.
fn statuses(aws: &Aws, order_id: &str) -> (Value, Value) {
    let api = aws.deployment.output("PaymentsApiUrl");
    let ours = get(&format!("{api}/payments?orderId={order_id}")).body;
    let theirs = get(&format!("{api}/payments/local-provider/payments/{order_id}")).body;
    assert_eq!(ours["payments"].as_array().map(Vec::len), Some(1), "{ours}");
    (ours["payments"][0]["status"].clone(), theirs["status"].clone())
}

async fn reply<P: Payload>(replies: &Replies<'_>, command: &Event) -> P {
    let reply = replies.to(command).await;
    assert_eq!(reply.event_type(), P::EVENT_TYPE, "{}", reply.to_json());
    reply.decode::<P>().unwrap().into_payload()
}

pub(super) async fn money_is_taken_once_however_often_it_is_asked_for() {
    let (aws, order_id) = (Aws::connect(), unique("ord"));
    let replies = Replies::from_now_on(&aws).await;
    let (first, again) = (capture(&order_id), capture(&order_id));
    aws.publish_from_store(&first).await;
    aws.publish_from_store(&first).await;
    assert_eq!(reply::<PaymentProcessed>(&replies, &first).await.amount, euros(2_500));
    aws.publish_from_store(&again).await;
    reply::<PaymentUnchanged>(&replies, &again).await;
    assert_eq!(statuses(&aws, &order_id), (json!("captured"), json!("captured")));
    let payment = get(&format!(
        "{}/payments/pay_{order_id}",
        aws.deployment.output("PaymentsApiUrl")
    ));
    assert_eq!((payment.status, &payment.body["orderId"]), (200, &json!(order_id)));
}

pub(super) async fn a_provider_that_does_not_answer_in_time_and_then_twice_changes_nothing() {
    let (aws, order_id) = (Aws::connect(), unique("ord"));
    let replies = Replies::from_now_on(&aws).await;
    behave(&aws, &order_id, "timeOutThenAnswerTwice");
    let command = capture(&order_id);
    aws.publish_from_store(&command).await;
    let processed: PaymentProcessed = reply(&replies, &command).await;
    assert_eq!(processed.order_id, order_id);
    // Both late answers are handled before this command is, or absorbed after it; either way it is answered the same.
    let again = capture(&order_id);
    aws.publish_from_store(&again).await;
    reply::<PaymentUnchanged>(&replies, &again).await;
    assert_eq!(statuses(&aws, &order_id), (json!("captured"), json!("captured")));
}

pub(super) async fn a_decline_is_an_answer() {
    let (aws, order_id) = (Aws::connect(), unique("ord"));
    let replies = Replies::from_now_on(&aws).await;
    behave(&aws, &order_id, "decline");
    let command = capture(&order_id);
    aws.publish_from_store(&command).await;
    let declined: PaymentDeclined = reply(&replies, &command).await;
    assert_eq!(json!(declined.reason), json!("declinedByProvider"));
    assert_eq!(statuses(&aws, &order_id), (json!("declined"), json!("declined")));
}

pub(super) async fn a_payment_that_is_given_up_while_the_provider_is_silent_is_never_taken() {
    let (aws, order_id) = (Aws::connect(), unique("ord"));
    let replies = Replies::from_now_on(&aws).await;
    behave(&aws, &order_id, "unreachable");
    let (command, giving_up) = (capture(&order_id), refund(&order_id));
    aws.publish_from_store(&command).await;
    aws.publish_from_store(&giving_up).await;
    let refunded: PaymentRefunded = reply(&replies, &giving_up).await;
    assert_eq!(refunded.amount.minor_units(), 0);
    behave(&aws, &order_id, "approve");
    // The command comes back until there is an answer; now there is one.
    let declined: PaymentDeclined = reply(&replies, &command).await;
    assert_eq!(json!(declined.reason), json!("voided"));
    assert_eq!(statuses(&aws, &order_id), (json!("voided"), json!("voided")));
}
