//! Failing for now: the engine in this process, on a queue and tables of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use onecommit_aws::DynamoDb;
use onecommit_aws::SqsQueue;
use onecommit_engine::{
    Atomic, Commit, Consumer, Deadline, Delivery, Engine, Failure, Key, Ledger, RetryReason, Settlement, Table, Verdict,
};
use onecommit_environment::Environment;
use onecommit_event::Event;
use storefront_orders::OrderCreated;

use super::database::{PARTITION_KEY, create_table};
use crate::aws::{Attributes, Aws};
use crate::events::order_created;
use crate::patience::eventually_some;
use crate::rows::number;

/// Longer than any test waits: a message is seen again before that only if its visibility was changed.
const VISIBILITY_TIMEOUT_S: &str = "43200";

/// Counts orders, but not at the first attempt.
struct FailsOnce {
    attempts: AtomicU32,
    counts: Table,
}

impl Atomic<OrderCreated> for FailsOnce {
    async fn handle(&self, event: Event<OrderCreated>) -> Result<Commit, Failure> {
        if self.attempts.fetch_add(1, Ordering::Relaxed) == 0 {
            return Err(Failure::transient("the warehouse is not open yet"));
        }
        let row = Key::new("pk", event.aggregate().id());
        Ok(Commit::of(self.counts.update(row).add("orders", 1)))
    }
}

pub(super) async fn a_message_that_fails_for_a_passing_reason_comes_back_and_is_then_handled() {
    let aws = Aws::connect();
    let (ledger, counts) = (
        create_table(&aws, &[PARTITION_KEY]).await,
        create_table(&aws, &[PARTITION_KEY]).await,
    );
    let visibility = [(QueueAttributeName::VisibilityTimeout, VISIBILITY_TIMEOUT_S)];
    let (queue_url, dead_letter_queue_url) = (aws.create_queue(&visibility).await, aws.create_queue(&[]).await);
    let handler = FailsOnce {
        attempts: AtomicU32::new(0),
        counts: counts.clone(),
    };
    let consumer = Consumer::named("counter").atomic(handler);
    let database = DynamoDb::shared(&aws.session);
    let engine = Engine::new(
        consumer,
        Arc::clone(&database),
        Ledger::new(ledger.clone()),
        Environment::system(),
    );
    let queue = SqsQueue::new(aws.session.clone(), queue_url.clone(), dead_letter_queue_url.clone());
    let event = order_created();
    aws.send_to(&queue_url, &event.to_json(), Attributes::new()).await;

    let first = receive(&aws, &queue_url).await;
    assert_eq!(first.receive_count, 1);
    let (verdict, settlement) = handle(&engine, &queue, &first).await;
    let Verdict::Retry {
        after,
        reason: RetryReason::HandlerFailed,
        error,
    } = verdict
    else {
        panic!("{verdict:?}")
    };
    assert!(
        after > Duration::ZERO && error.contains("not open yet"),
        "{after:?} {error}"
    );
    assert_eq!(settlement.failed, [0]);

    let again = receive(&aws, &queue_url).await;
    assert_eq!((&again.message_id, again.receive_count), (&first.message_id, 2));
    let (verdict, settlement) = handle(&engine, &queue, &again).await;
    assert_eq!((verdict, settlement.finished), (Verdict::Done, vec![0]));
    delete(&aws, &queue_url, &again).await;

    let counted = aws
        .row(counts.name(), &[("pk", event.aggregate().id().to_owned())])
        .await;
    assert_eq!(counted.as_ref().and_then(|row| number(row, "orders")), Some(1));
    assert!(
        aws.row(ledger.name(), &[("pk", format!("counter#{}", event.id()))])
            .await
            .is_some()
    );
    assert_eq!(
        aws.messages_in(&queue_url).await + aws.messages_in(&dead_letter_queue_url).await,
        0
    );
}

async fn handle(engine: &Engine, queue: &SqsQueue, delivery: &Delivery) -> (Verdict, Settlement) {
    let deliveries = std::slice::from_ref(delivery);
    let deadline = Deadline::none();
    let verdicts = engine.handle(deliveries, deadline).await;
    let settlement = Settlement::carry_out(engine, queue, deliveries, &verdicts, deadline).await;
    (verdicts[0].clone(), settlement)
}

/// The next message of a queue, as a worker would take it.
async fn receive(aws: &Aws, queue_url: &str) -> Delivery {
    eventually_some("a message in the queue", async || receive_now(aws, queue_url).await).await
}

async fn receive_now(aws: &Aws, queue_url: &str) -> Option<Delivery> {
    let received = aws
        .sqs
        .receive_message()
        .queue_url(queue_url)
        .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
        .send()
        .await
        .unwrap();
    let message = received.messages.unwrap_or_default().pop()?;
    let attributes = message.attributes.unwrap_or_default();
    Some(Delivery {
        message_id: message.message_id.unwrap(),
        receipt: message.receipt_handle.unwrap(),
        body: message.body.unwrap(),
        receive_count: attributes[&MessageSystemAttributeName::ApproximateReceiveCount]
            .parse()
            .unwrap(),
        ..Delivery::default()
    })
}

async fn delete(aws: &Aws, queue_url: &str, delivery: &Delivery) {
    aws.sqs
        .delete_message()
        .queue_url(queue_url)
        .receipt_handle(&delivery.receipt)
        .send()
        .await
        .unwrap();
}
