//! The same handlers without Lambda: worker processes, and the worker in this process.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName::{self, FifoQueue, VisibilityTimeout};
use futures_util::future::{Either, select};
use onecommit_aws::DynamoDb;
use onecommit_aws::SqsQueue;
use onecommit_engine::{
    Atomic, Backoff, Commit, Consumer, Engine, Failure, Key, Ledger, Settings as EngineSettings, Table,
};
use onecommit_environment::Environment;
use onecommit_event::Event;
use onecommit_worker::{Settings, Worker};
use storefront_payments::PaymentProcessed;

use super::crowd::{order_with_payments, paid_by_order, shuffled};
use super::database::{PARTITION_KEY, create_table};
use crate::aws::Aws;
use crate::chaos::killing::sum_in;
use crate::events::{payment_processed, unique};
use crate::patience::eventually;
use crate::rows::number;
use crate::worker::WorkerProcess;

/// An order and three payments each: 2,000 events.
const ORDERS: usize = 500;
/// Whatever share of them the workers get of so many more, it is one.
const ORDERS_MORE_MAX: usize = 500;
/// So many messages are sent before there are workers, so that the function surely has its share.
const ALONE: usize = 100;

pub(super) async fn two_thousand_events_with_copies_through_workers_and_function_at_once_take_effect_once_each() {
    let aws = Aws::connect();
    let queue = aws.deployment.output("ConsumerQueueUrl");
    let mut events: Vec<Event> = (0..ORDERS).flat_map(|_| order_with_payments()).collect();
    let copies = events.iter().enumerate().filter(|(number, _)| number % 10 < 3);
    let all: Vec<&Event> = events.iter().chain(copies.map(|(_, event)| event)).collect();
    assert_eq!((events.len(), all.len()), (2_000, 2_600));
    let dead_letters = aws.deployment.output("ConsumerDlqUrl");
    let mut bodies: Vec<String> = shuffled(all).into_iter().map(|event| event.to_json()).collect();
    let rest = bodies.split_off(ALONE);
    aws.send_bodies(queue, bodies).await;
    let handled = async || aws.count_handled(&events).await;
    eventually("the function to handle some", handled, |count| *count > 0).await;
    let logs = [(); 2].map(|()| std::env::temp_dir().join(unique("worker")));
    let workers = logs.each_ref().map(|log| {
        let log = File::create(log).unwrap();
        WorkerProcess::start_with(&aws, queue, dead_letters, &[], log)
    });
    aws.send_bodies(queue, rest).await;
    // Whoever is quicker may have taken all of it: more comes until the workers have had their share.
    let had_their_share = || logs.iter().all(|log| sum_in(log, "Handled") > 0);
    for _ in 0..ORDERS_MORE_MAX {
        if had_their_share() {
            break;
        }
        let more = order_with_payments();
        aws.send_bodies(queue, more.iter().map(Event::to_json).collect()).await;
        aws.handled(&more[0]).await;
        events.extend(more);
    }
    aws.drained().await;
    let ended = workers.map(WorkerProcess::terminate);

    assert_eq!(aws.count_handled(&events).await, events.len(), "the ledger is complete");
    for (order_id, paid) in paid_by_order(&events) {
        let order = aws.order(&order_id).await.expect("every event of the order is handled");
        assert_eq!(
            (number(&order, "totalMinorUnits"), number(&order, "paidMinorUnits")),
            (Some(2_500), Some(paid)),
            "{order_id}"
        );
    }
    assert!(ended.iter().all(|ended| ended.code == Some(0)));
    assert!(had_their_share(), "each worker handled some");
    logs.iter().for_each(|log| std::fs::remove_file(log).unwrap());
}

pub(super) async fn a_worker_that_is_asked_to_end_gives_back_what_it_has_not_started_and_loses_nothing() {
    let aws = Aws::connect();
    let (queue, dead_letters) = (aws.create_queue(&[]).await, aws.create_queue(&[]).await);
    let order_id = unique("ord");
    let payments: Vec<Event> = (0..400).map(|_| payment_processed(&order_id, 1)).collect();
    aws.send_bodies(&queue, payments.iter().map(|event| event.to_json()).collect())
        .await;
    let worker = WorkerProcess::start(&aws, &queue, &dead_letters);
    let paid = async || {
        aws.order(&order_id)
            .await
            .and_then(|order| number(&order, "paidMinorUnits"))
    };
    eventually("a first payment", paid, Option::is_some).await;
    let ended = worker.terminate();
    assert_eq!(ended.code, Some(0));

    let visible = aws.count(&queue, QueueAttributeName::ApproximateNumberOfMessages).await;
    assert_eq!(
        aws.messages_in(&queue).await,
        visible,
        "nothing stays hidden until a timeout ends"
    );
    let handled = aws.count_handled(&payments).await;
    assert_eq!(handled + visible as usize, payments.len());
    assert_eq!(ended.sum("Handled"), handled as u64);
    // Another worker takes over where it ended. One payment is its own, so that it is up before it is asked to end.
    let successor = WorkerProcess::start(&aws, &queue, &dead_letters);
    let last = payment_processed(&order_id, 1);
    aws.send_bodies(&queue, vec![last.to_json()]).await;
    aws.handled(&last).await;
    aws.drained_queue(&queue).await;
    assert_eq!(successor.terminate().code, Some(0));
    assert_eq!(paid().await, Some(401));
}

/// Notes the order in which payments of a group take effect; one of them fails until it is told otherwise.
struct Notes {
    table: Table,
    noted: Mutex<Vec<(String, i64)>>,
    fails: AtomicBool,
}

const GROUPS: [&str; 3] = ["broken", "well", "fine"];
const PAYMENTS: i64 = 8;
const FAILING: i64 = 3;

struct Noting(Arc<Notes>);

impl Atomic<PaymentProcessed> for Noting {
    async fn handle(&self, event: Event<PaymentProcessed>) -> Result<Commit, Failure> {
        let (group, amount) = (event.payload().order_id.clone(), event.payload().amount.minor_units());
        if group == GROUPS[0] && amount == FAILING && self.0.fails.load(Ordering::Relaxed) {
            return Err(Failure::transient("the bank does not answer"));
        }
        self.0.noted.lock().unwrap().push((group.clone(), amount));
        Ok(Commit::of(
            self.0.table.update(Key::new("pk", group)).add("payments", 1),
        ))
    }
}

impl Notes {
    fn of(&self, group: &str) -> Vec<i64> {
        let noted = self.noted.lock().unwrap();
        noted
            .iter()
            .filter(|(found, _)| found == group)
            .map(|(_, amount)| *amount)
            .collect()
    }
}

pub(super) async fn a_fifo_queue_is_worked_in_order_per_group_and_a_failing_message_holds_back_its_own_group_only() {
    let aws = Aws::connect();
    let fifo = [(FifoQueue, "true"), (VisibilityTimeout, "43200")];
    let (queue_url, dead_letters) = (aws.create_queue(&fifo).await, aws.create_queue(&fifo[..1]).await);
    for amount in 1..=PAYMENTS {
        for group in GROUPS {
            aws.send_in_group(&queue_url, &payment_processed(group, amount), group)
                .await;
        }
    }
    let (ledger, table) = (
        create_table(&aws, &[PARTITION_KEY]).await,
        create_table(&aws, &[PARTITION_KEY]).await,
    );
    let notes = Arc::new(Notes {
        table,
        noted: Mutex::default(),
        fails: AtomicBool::new(true),
    });
    let settings = EngineSettings::default()
        .redelivery_backoff(Backoff {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(1),
        })
        .deliveries_max(1_000);
    let consumer = Consumer::named("notes")
        .atomic(Noting(Arc::clone(&notes)))
        .with(settings);
    let engine = Engine::new(
        consumer,
        DynamoDb::shared(&aws.session),
        Ledger::new(ledger),
        Environment::system(),
    );
    let queue = Arc::new(SqsQueue::new(aws.session.clone(), queue_url.clone(), dead_letters));
    let worker = Worker::new(engine, queue.clone(), queue, Settings::default()).run(std::future::pending());
    let story = async {
        let others_are_done = async || GROUPS[1..].iter().all(|group| notes.of(group).len() as i64 == PAYMENTS);
        eventually("the other groups to be done", others_are_done, |done| *done).await;
        assert_eq!(
            notes.of(GROUPS[0]),
            (1..FAILING).collect::<Vec<_>>(),
            "the failing group waits"
        );
        notes.fails.store(false, Ordering::Relaxed);
        aws.drained_queue(&queue_url).await;
    };
    let Either::Right(_) = select(std::pin::pin!(worker), std::pin::pin!(story)).await else {
        panic!("the worker ended by itself")
    };
    for group in GROUPS {
        assert_eq!(notes.of(group), (1..=PAYMENTS).collect::<Vec<_>>(), "{group}");
        let row = aws.row(notes.table.name(), &[("pk", group.to_owned())]).await.unwrap();
        assert_eq!(number(&row, "payments"), Some(PAYMENTS));
    }
}
