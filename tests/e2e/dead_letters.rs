//! The dead letters of the shared queue, for all cases: each finds its own by what is in the body.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};
use serde_json::Value;

use crate::aws::session;
use crate::canaries::shown_in;
use crate::patience::eventually;

/// A message that was found in the dead-letter queue.
#[derive(Clone, Debug)]
pub(crate) struct DeadLetter {
    pub(crate) body: String,
    pub(crate) attributes: HashMap<String, MessageAttributeValue>,
    /// The queue it was moved from by SQS itself; none when the consumer parked it.
    pub(crate) moved_from: Option<String>,
}

impl DeadLetter {
    /// A text attribute.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(MessageAttributeValue::string_value)
    }

    /// All that is said about it beside its body and the attributes it came with.
    pub(crate) fn said(&self) -> String {
        ["ParkedReason", "ParkedError", "ParkedDetail"]
            .map(|name| self.text(name).unwrap_or_default())
            .join("\n")
    }

    /// Why the consumer parked it.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.text("ParkedReason")
    }

    /// What the consumer noted when it parked it.
    pub(crate) fn detail(&self) -> Value {
        serde_json::from_str(self.text("ParkedDetail").expect("a parked message has a ParkedDetail")).unwrap()
    }
}

/// Everything that came to the dead-letter queue, or to another queue that nobody else receives from, so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeadLetters(Arc<Mutex<Collected>>);

#[derive(Debug, Default)]
struct Collected {
    letters: Vec<DeadLetter>,
    /// A message comes again when it was not deleted in time.
    message_ids: HashSet<String>,
}

const AFTER_FAILURE: Duration = Duration::from_secs(1);

impl DeadLetters {
    /// Takes what comes, until the process ends.
    ///
    /// One collector instead of a receiver per case: a message that one case receives is hidden from all others.
    pub(crate) fn collect(endpoint: &str, region: &str, queue_url: &str) -> Self {
        let letters = Self::default();
        let (session, queue_url, collected) = (session(endpoint, region), queue_url.to_owned(), letters.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let sqs = Client::new(&session.sdk_config());
                loop {
                    if collected.take_some(&sqs, &queue_url).await.is_err() {
                        // The local AWS is busy, or it ends, and this process after it.
                        tokio::time::sleep(AFTER_FAILURE).await;
                    }
                }
            });
        });
        letters
    }

    /// The one dead letter with this text in its body, once it is there.
    pub(crate) async fn with(&self, text: &str) -> DeadLetter {
        let awaited = format!("a dead letter with {text}");
        eventually(&awaited, async || self.all_with(text), |found| !found.is_empty())
            .await
            .remove(0)
    }

    /// All dead letters so far with this text in their bodies.
    pub(crate) fn all_with(&self, text: &str) -> Vec<DeadLetter> {
        let collected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        collected
            .letters
            .iter()
            .filter(|letter| letter.body.contains(text))
            .cloned()
            .collect()
    }

    /// What was said about a message when it was parked, where it shows a canary; whatever its body says.
    pub(crate) fn with_canaries(&self) -> Vec<String> {
        let collected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = collected.letters.iter().map(DeadLetter::said);
        said.filter(|said| !shown_in(said).is_empty()).collect()
    }

    /// All dead letters so far with this text, of which each was parked by another delivery: a message that a queue
    /// delivers again, because its consumer was slow or died, may be parked again.
    pub(crate) fn parked_once_for_each_delivery(&self, text: &str) -> Vec<DeadLetter> {
        let letters = self.all_with(text);
        let deliveries: HashSet<String> = letters
            .iter()
            .map(|letter| {
                format!(
                    "{}/{}",
                    letter.detail()["sourceMessageId"],
                    letter.detail()["receiveCount"]
                )
            })
            .collect();
        assert_eq!(
            deliveries.len(),
            letters.len(),
            "{text} is parked once for each delivery: {deliveries:?}"
        );
        letters
    }

    async fn take_some(&self, sqs: &Client, queue_url: &str) -> Result<(), aws_sdk_sqs::Error> {
        let received = sqs
            .receive_message()
            .queue_url(queue_url)
            .wait_time_seconds(20)
            .max_number_of_messages(10)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await?;
        for message in received.messages.unwrap_or_default() {
            let receipt = message.receipt_handle.clone();
            // First: a deletion whose answer is lost must not lose the letter.
            self.keep(message);
            sqs.delete_message()
                .queue_url(queue_url)
                .set_receipt_handle(receipt)
                .send()
                .await?;
        }
        Ok(())
    }

    fn keep(&self, message: Message) {
        let mut collected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let message_id = message.message_id.clone().unwrap_or_default();
        if collected.message_ids.insert(message_id) {
            collected.letters.push(dead_letter(message));
        }
    }
}

fn dead_letter(message: Message) -> DeadLetter {
    let moved_from = message
        .attributes
        .unwrap_or_default()
        .remove(&MessageSystemAttributeName::DeadLetterQueueSourceArn);
    DeadLetter {
        body: message.body.unwrap_or_default(),
        attributes: message.message_attributes.unwrap_or_default(),
        moved_from,
    }
}
