//! What customers get to hear: from their preferences to the mail that SES sent.

use onecommit_event::Event;
use onecommit_testing::an_event;
use serde_json::{Value, json};
use storefront_notifications::{Channel, CustomerNotified, NotifyCustomer};

use super::users::{prefer, register};
use crate::api::{get, put};
use crate::aws::Aws;
use crate::canaries::{EMAIL_DOMAIN, PHONE};
use crate::events::unique;
use crate::local_aws;
use crate::patience::{eventually, eventually_some};
use crate::replies::Replies;

fn notify(order_id: &str, customer_id: &str, template: &str) -> Event {
    let command = NotifyCustomer {
        order_id: order_id.to_owned(),
        customer_id: customer_id.to_owned(),
        template: template.to_owned(),
        parameters: json!({"orderId": order_id}).as_object().unwrap().clone(),
    };
    an_event("OrderSaga", order_id, command)
}

/// A template of a case's own.
fn template(aws: &Aws) -> String {
    let name = unique("confirmed");
    let url = format!(
        "{}/notifications/templates/{name}",
        aws.deployment.output("NotificationsApiUrl")
    );
    let draft = json!({
        "subject": "Order {{ orderId }}",
        "text": "Your order {{ orderId }} is confirmed.",
        "parameters": ["orderId"],
    });
    let answer = put(&url, &draft);
    assert_eq!((answer.status, &answer.body["version"]), (200, &json!(1)), "{answer:?}");
    name
}

async fn notified(replies: &Replies<'_>, command: &Event) -> CustomerNotified {
    let reply = replies.to(command).await;
    reply.decode::<CustomerNotified>().unwrap().into_payload()
}

/// The subjects and texts of the mails to an address that the local SES sent.
fn mails_to(aws: &Aws, address: &str) -> Vec<[Value; 2]> {
    let (path, recipients, text) = if local_aws::is_localstack() {
        ("_aws/ses", "/Destination/ToAddresses", "/Body/text_part")
    } else {
        ("_ministack/ses/messages", "/To", "/BodyText")
    };
    let mut mails = Vec::new();
    let sent = get(&format!("{}/{path}", aws.deployment.endpoint)).body;
    each_object(&sent, &mut |object| {
        let to = object.pointer(recipients).and_then(Value::as_array);
        if to.is_some_and(|to| to.contains(&json!(address))) {
            mails.push([
                object["Subject"].clone(),
                object.pointer(text).cloned().unwrap_or_default(),
            ]);
        }
    });
    mails
}

/// Local AWSs group their mails differently.
fn each_object(found: &Value, look: &mut impl FnMut(&Value)) {
    match found {
        Value::Object(fields) => {
            look(found);
            fields.values().for_each(|value| each_object(value, look));
        }
        Value::Array(values) => values.iter().for_each(|value| each_object(value, look)),
        _ => {}
    }
}

pub(super) async fn a_customer_is_told_once_over_each_channel() {
    let aws = Aws::connect();
    let replies = Replies::from_now_on(&aws).await;
    let (customer_id, template) = (register(&aws), template(&aws));
    let address = format!("{customer_id}@{EMAIL_DOMAIN}");
    let wanted = json!({"email": address, "phone": PHONE, "channels": ["email", "sms"]});
    prefer(&aws, &customer_id, &wanted);
    let key = [
        ("pk", format!("customer#{customer_id}")),
        ("sk", "preferences".to_owned()),
    ];
    let known = async || aws.row(aws.deployment.output("NotificationsTableName"), &key).await;
    eventually_some("the preferences to be known", known).await;

    let order_id = unique("ord");
    let (first, again) = (
        notify(&order_id, &customer_id, &template),
        notify(&order_id, &customer_id, &template),
    );
    aws.publish_from_store(&first).await;
    let told = notified(&replies, &first).await;
    assert_eq!(told.channels, [Channel::Email, Channel::Sms]);
    aws.publish_from_store(&again).await;
    assert_eq!(replies.to(&again).await.event_type(), "NotificationUnchanged");
    let url = format!(
        "{}/notifications?customerId={customer_id}",
        aws.deployment.output("NotificationsApiUrl")
    );
    let deliveries = async || {
        let shown = get(&url).body["notifications"][0]["deliveries"].clone();
        let statuses = shown.as_array().cloned().unwrap_or_default();
        statuses
            .iter()
            .map(|delivery| delivery["status"].clone())
            .collect::<Vec<_>>()
    };
    let all_handed_over = |statuses: &Vec<Value>| *statuses == [json!("handedOver"), json!("handedOver")];
    eventually("both deliveries to be handed over", deliveries, all_handed_over).await;
    aws.drained_queue(aws.deployment.output("NotificationsQueueUrl")).await;
    let mails = mails_to(&aws, &address);
    let mail = [
        format!("Order {order_id}"),
        format!("Your order {order_id} is confirmed."),
    ];
    assert_eq!(mails, [mail.map(Value::from)]);
}

pub(super) async fn who_wants_to_be_left_alone_is_told_over_no_channel() {
    let aws = Aws::connect();
    let replies = Replies::from_now_on(&aws).await;
    let command = notify(&unique("ord"), &unique("cus"), "any");
    aws.publish_from_store(&command).await;
    assert_eq!(notified(&replies, &command).await.channels, []);
}
