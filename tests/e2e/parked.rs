//! What waits in the queues of the deployed stacks when the cases are done, dead letters above all.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};

use crate::aws::{QUEUE_OF_A_CASE, on_a_thread, session};
use crate::canaries::shown_in;

/// Cases put canaries in clear on the outside way themselves. These queues listen to it, and what is parked from there keeps its
/// body.
const SENT_IN_CLEAR: [&str; 3] = ["ConsumerDlq", "-consumer", "-ordered"];
/// No other scan, and no function, takes the messages meanwhile, in seconds.
const HIDDEN_S: i32 = 120;

/// What shows a canary, in the messages of all queues but those that cases made. The messages stay where they are.
pub(crate) fn with_canaries(endpoint: &str, region: &str) -> Vec<String> {
    on_a_thread(async {
        let sqs = Client::new(&session(endpoint, region).sdk_config());
        let urls = sqs.list_queues().into_paginator().items().send();
        let urls = urls.collect::<Result<Vec<_>, _>>().await.unwrap();
        let name = |url: &String| url.rsplit('/').next().unwrap_or_default().to_owned();
        let mut shown = Vec::new();
        for url in urls.iter().filter(|url| !name(url).starts_with(QUEUE_OF_A_CASE)) {
            for message in all(&sqs, url).await {
                let text = said_in(&message, SENT_IN_CLEAR.iter().any(|queue| name(url).contains(queue)));
                let canaries = shown_in(&text);
                if !canaries.is_empty() {
                    shown.push(format!("{}: {canaries:?} in {text}", name(url)));
                }
            }
        }
        shown
    })
}

/// All of a message but its body, or all of it.
fn said_in(message: &Message, is_sent_in_clear: bool) -> String {
    let attributes = message.message_attributes.iter().flatten();
    let attributes = attributes.filter(|(name, _)| !is_sent_in_clear || name.starts_with("Parked"));
    let texts = attributes.filter_map(|(_, value): (_, &MessageAttributeValue)| value.string_value());
    let body = message.body.iter().map(String::as_str).filter(|_| !is_sent_in_clear);
    texts.chain(body).collect::<Vec<_>>().join("\n")
}

/// Every message of a queue, received and at once given back.
async fn all(sqs: &Client, url: &str) -> Vec<Message> {
    let mut all = Vec::new();
    loop {
        let request = sqs.receive_message().queue_url(url).max_number_of_messages(10);
        let request = request.visibility_timeout(HIDDEN_S).message_attribute_names("All");
        let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
        let some = request.send().await.unwrap().messages.unwrap_or_default();
        if some.is_empty() {
            break;
        }
        all.extend(some);
    }
    for receipt in all.iter().filter_map(|message| message.receipt_handle.clone()) {
        let back = sqs.change_message_visibility().queue_url(url).receipt_handle(receipt);
        back.visibility_timeout(0).send().await.unwrap();
    }
    all
}
