//! What the context promises of an order's money, whatever is repeated, lost, late or at the same moment.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use onecommit_engine::{
    DatabaseError, EventLog, Key, ParkReason, Table, TableReader, TableWriter, Value as Attribute, Verdict,
};
use onecommit_environment::{Environment, SeededRandom, SystemClock};
use onecommit_event::{Event, Payload};
use onecommit_testing::{MemoryDatabase, TestConsumer, an_event};
use proptest::prelude::*;
use serde_json::{Value, json};
use storefront_money::{Currency, Money};
use storefront_payments::{
    Behaviour, Found, LocalProvider, PaymentProvider, Payments, ProviderError, Towards, VoidAnswer,
};
use storefront_payments::{
    CapturePayment, DeclineReason, PaymentDeclined, PaymentId, PaymentProcessed, PaymentRefunded, ProviderAnswered,
    ProviderOutcome, RefundPayment, Terms,
};
use tower::ServiceExt;

/// The context on tables of its own, and the provider in a house of its own.
struct Shop {
    kit: TestConsumer,
    ours: Arc<MemoryDatabase>,
    theirs: Arc<MemoryDatabase>,
    provider: LocalProvider,
    line: Arc<Line>,
    payments: Payments,
}

/// The way to the provider, on which a process may die after the provider did what it was asked for.
struct Line {
    provider: LocalProvider,
    ours: Arc<MemoryDatabase>,
    dies_after_capture: AtomicBool,
    pauses: SeededRandomPauses,
}

/// Lets the others run now and then, so that requests of different messages cross each other.
struct SeededRandomPauses(SeededRandom);

impl SeededRandomPauses {
    async fn pause(&self) {
        use onecommit_environment::Random as _;
        for _ in 0..self.0.up_to(4) {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl PaymentProvider for Line {
    async fn capture(&self, payment: &PaymentId, terms: &Terms) -> Result<ProviderOutcome, ProviderError> {
        self.pauses.pause().await;
        let outcome = self.provider.capture(payment, terms).await;
        self.pauses.pause().await;
        if self.dies_after_capture.swap(false, Ordering::Relaxed) {
            self.ours.fail_next(DatabaseError::Rejected("the process died".into()));
        }
        outcome
    }

    async fn refund(&self, payment: &PaymentId) -> Result<Money, ProviderError> {
        self.pauses.pause().await;
        self.provider.refund(payment).await
    }

    async fn void(&self, payment: &PaymentId) -> Result<VoidAnswer, ProviderError> {
        self.pauses.pause().await;
        let answer = self.provider.void(payment).await;
        self.pauses.pause().await;
        answer
    }

    async fn find(&self, payment: &PaymentId) -> Result<Option<Found>, ProviderError> {
        self.pauses.pause().await;
        self.provider.find(payment).await
    }
}

fn log() -> EventLog {
    EventLog::new(Table::new("events"))
}

impl Shop {
    fn new() -> Self {
        Self::seeded(1)
    }

    fn seeded(seed: u64) -> Self {
        let (ours, theirs) = (Arc::<MemoryDatabase>::default(), Arc::<MemoryDatabase>::default());
        let environment = Environment::new(Arc::new(SystemClock), Arc::new(SeededRandom::new(seed)));
        let provider = LocalProvider::new(theirs.clone(), Table::new("provider"), log(), environment.clone());
        let line = Arc::new(Line {
            provider: provider.clone(),
            ours: ours.clone(),
            dies_after_capture: AtomicBool::new(false),
            pauses: SeededRandomPauses(SeededRandom::new(seed)),
        });
        let payments = Payments::new(ours.clone(), Table::new("payments"), line.clone());
        let kit = TestConsumer::on(ours.clone(), payments.consumer("payments"), environment).with_event_log(log());
        Self {
            kit,
            ours,
            theirs,
            provider,
            line,
            payments,
        }
    }

    async fn told_to(behaviour: Behaviour) -> Self {
        let shop = Self::new();
        shop.tell(behaviour).await;
        shop
    }

    async fn tell(&self, behaviour: Behaviour) {
        let customer = Towards::Customer("cus_1".into());
        self.provider.behave(&customer, behaviour).await.unwrap();
    }

    async fn handles(&self, event: &Event) {
        assert_eq!(self.kit.receive(&[event]).await, [Verdict::Done], "{}", event.to_json());
    }

    /// The replies, in the order of the payment's stream.
    async fn replies(&self) -> Vec<Event> {
        events_in(&self.ours, "Payment#pay_ord_1").await
    }

    async fn only_reply<P: Payload>(&self) -> P {
        let replies = self.replies().await;
        let [reply] = &replies[..] else { panic!("{replies:?}") };
        reply.decode::<P>().unwrap().into_payload()
    }

    /// The provider takes the money for an order, past everything that we know.
    async fn takes_the_money(&self) {
        let terms = [
            ("status", "captured".into()),
            ("orderId", "ord_1".into()),
            ("customerId", "cus_1".into()),
            ("method", "card".into()),
            ("amountMinorUnits", 2_500.into()),
            ("currency", "EUR".into()),
        ];
        let row = terms.map(|(name, value): (_, Attribute)| (name.to_owned(), value));
        let put = Table::new("provider").put(Key::new("pk", "payment#pay_ord_1"), row);
        self.theirs.write(&put.into()).await.unwrap();
    }

    /// As a row of an earlier version.
    async fn forget_what_was_told(&self) {
        let row = Table::new("payments")
            .update(Key::new("paymentId", "pay_ord_1"))
            .remove("told");
        self.ours.write(&row.into()).await.unwrap();
    }

    fn status(&self) -> Option<String> {
        let row = self.ours.row("payments", &["pay_ord_1"])?;
        row["status"].as_str().map(str::to_owned)
    }

    fn status_at_provider(&self) -> Option<String> {
        let row = self.theirs.row("provider", &["payment#pay_ord_1"])?;
        row["status"].as_str().map(str::to_owned)
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let router = onecommit_http::json_errors(self.payments.api().merge(self.provider.api()));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }
}

async fn events_in(database: &MemoryDatabase, stream: &str) -> Vec<Event> {
    let page = database.query(&log().table().query("stream", stream)).await.unwrap();
    page.rows.iter().map(|row| EventLog::event_in(row).unwrap()).collect()
}

fn euros(minor_units: i64) -> Money {
    Money::new(minor_units, Currency::new("EUR").unwrap())
}

fn capture_of(amount: Money) -> Event {
    let command = CapturePayment {
        order_id: "ord_1".into(),
        customer_id: "cus_1".into(),
        amount,
        method: "card".into(),
    };
    an_event("OrderSaga", "ord_1", command)
}

/// The command, each time as another event, as a saga sends it again.
fn capture() -> Event {
    capture_of(euros(2_500))
}

fn refund() -> Event {
    let command = RefundPayment {
        order_id: "ord_1".into(),
        reason: "the order was given up".into(),
    };
    an_event("OrderSaga", "ord_1", command)
}

fn told(outcome: ProviderOutcome) -> Event {
    let answer = ProviderAnswered {
        order_id: "ord_1".into(),
        customer_id: "cus_1".into(),
        amount: euros(2_500),
        method: "card".into(),
        outcome,
    };
    an_event("ProviderPayment", "pay_ord_1", answer)
}

#[tokio::test]
async fn a_payment_is_one_read_and_one_transaction_of_ours() {
    let shop = Shop::new();
    let command = capture();
    shop.handles(&command).await;
    assert_eq!(shop.ours.requests(), 2);
    let processed: PaymentProcessed = shop.only_reply().await;
    assert_eq!(
        processed,
        PaymentProcessed {
            payment_id: "pay_ord_1".into(),
            order_id: "ord_1".into(),
            amount: euros(2_500)
        }
    );
    let reply = &shop.replies().await[0];
    assert_eq!(reply.metadata().causation_id, command.id().to_string());
    assert_eq!(shop.status_at_provider().as_deref(), Some("captured"));
}

#[tokio::test]
async fn a_command_sent_again_under_another_id_is_answered_again_and_takes_nothing_more() {
    let shop = Shop::new();
    let (first, again) = (capture(), capture());
    shop.handles(&first).await;
    let asked_before = shop.theirs.requests();
    shop.handles(&again).await;
    assert_eq!(shop.theirs.requests(), asked_before, "the provider was not asked again");
    let replies = shop.replies().await;
    let causes: Vec<&str> = replies
        .iter()
        .map(|reply| reply.metadata().causation_id.as_str())
        .collect();
    assert_eq!(causes, [first.id().to_string(), again.id().to_string()]);
    assert_eq!(types(&replies), ["PaymentProcessed", "PaymentUnchanged"]);
}

/// What is told of a payment once: its type and its id follow from the payment.
#[tokio::test]
async fn the_same_fact_has_the_same_event_id() {
    let mut ids = Vec::new();
    for seed in 1..=2 {
        let shop = Shop::seeded(seed);
        shop.handles(&capture()).await;
        shop.handles(&refund()).await;
        let replies = shop.replies().await;
        ids.push(replies.iter().map(Event::id).collect::<Vec<_>>());
    }
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0][0], ids[0][1]);
}

/// Rows that were written before the table said what was told.
#[tokio::test]
async fn an_older_row_is_not_told_again() {
    let shop = Shop::new();
    shop.handles(&capture()).await;
    shop.forget_what_was_told().await;
    shop.handles(&capture()).await;
    shop.handles(&refund()).await;
    shop.forget_what_was_told().await;
    shop.handles(&refund()).await;
    let told = [
        "PaymentProcessed",
        "PaymentUnchanged",
        "PaymentRefunded",
        "PaymentUnchanged",
    ];
    assert_eq!(types(&shop.replies().await), told);
}

fn types(events: &[Event]) -> Vec<&str> {
    events.iter().map(Event::event_type).collect()
}

#[tokio::test]
async fn a_process_that_dies_after_the_capture_leaves_the_same_payment_to_the_next() {
    let shop = Shop::new();
    shop.line.dies_after_capture.store(true, Ordering::Relaxed);
    let command = capture();
    let verdicts = shop.kit.receive(&[&command]).await;
    assert!(matches!(verdicts[..], [Verdict::Retry { .. }]), "{verdicts:?}");
    assert_eq!(shop.status_at_provider().as_deref(), Some("captured"));
    assert_eq!(shop.status(), None);
    shop.handles(&command).await;
    assert_eq!(shop.only_reply::<PaymentProcessed>().await.amount, euros(2_500));
}

#[tokio::test]
async fn a_decline_is_an_answer_and_stays_one() {
    let shop = Shop::told_to(Behaviour::Decline).await;
    shop.handles(&capture()).await;
    shop.tell(Behaviour::Approve).await;
    shop.handles(&capture()).await;
    for reply in shop.replies().await {
        let declined = reply.decode::<PaymentDeclined>().unwrap().into_payload();
        assert_eq!(declined.reason, DeclineReason::DeclinedByProvider);
    }
    assert_eq!(shop.status_at_provider().as_deref(), Some("declined"));
}

#[tokio::test]
async fn a_capture_that_is_not_answered_is_looked_up() {
    let shop = Shop::told_to(Behaviour::TimeOut).await;
    shop.handles(&capture()).await;
    shop.only_reply::<PaymentProcessed>().await;
    assert_eq!(shop.status().as_deref(), Some("captured"));
}

#[tokio::test]
async fn while_nobody_knows_how_a_capture_ended_the_command_comes_back() {
    let shop = Shop::told_to(Behaviour::Unreachable).await;
    let command = capture();
    let verdicts = shop.kit.receive(&[&command]).await;
    assert!(matches!(verdicts[..], [Verdict::Retry { .. }]), "{verdicts:?}");
    shop.tell(Behaviour::Approve).await;
    shop.handles(&command).await;
    shop.only_reply::<PaymentProcessed>().await;
}

#[tokio::test]
async fn a_provider_that_tells_twice_later_changes_nothing() {
    let shop = Shop::told_to(Behaviour::TimeOutThenAnswerTwice).await;
    shop.handles(&capture()).await;
    let answers = events_in(&shop.theirs, "ProviderPayment#pay_ord_1").await;
    assert_eq!(answers.len(), 2);
    for answer in &answers {
        shop.handles(answer).await;
    }
    shop.only_reply::<PaymentProcessed>().await;
    assert_eq!(shop.status().as_deref(), Some("captured"));
}

#[tokio::test]
async fn a_provider_that_tells_before_the_command_is_answered_settles_it_without_being_asked_again() {
    let shop = Shop::told_to(Behaviour::Unreachable).await;
    let command = capture();
    shop.kit.receive(&[&command]).await;
    shop.takes_the_money().await;
    shop.handles(&told(ProviderOutcome::Captured)).await;
    assert!(
        shop.replies().await.is_empty(),
        "the reply names the command as its cause"
    );
    shop.handles(&command).await;
    shop.only_reply::<PaymentProcessed>().await;
}

#[tokio::test]
async fn a_captured_payment_goes_back_once_and_is_told_once() {
    let shop = Shop::new();
    shop.handles(&capture()).await;
    shop.handles(&refund()).await;
    shop.handles(&refund()).await;
    let replies = shop.replies().await;
    assert_eq!(
        types(&replies),
        ["PaymentProcessed", "PaymentRefunded", "PaymentUnchanged"]
    );
    let refunded = replies[1].decode::<PaymentRefunded>().unwrap().into_payload();
    assert_eq!(refunded.amount, euros(2_500));
    assert_eq!(shop.status_at_provider().as_deref(), Some("refunded"));
}

#[tokio::test]
async fn a_refund_that_comes_first_gives_the_payment_up_for_good() {
    let shop = Shop::new();
    shop.handles(&refund()).await;
    let refunded: PaymentRefunded = shop.only_reply().await;
    assert_eq!(refunded.amount.minor_units(), 0);
    shop.handles(&capture()).await;
    let declined = shop.replies().await[1]
        .decode::<PaymentDeclined>()
        .unwrap()
        .into_payload();
    assert_eq!(declined.reason, DeclineReason::Voided);
    assert_eq!(shop.status_at_provider().as_deref(), Some("voided"));
}

#[tokio::test]
async fn a_refund_while_the_captures_end_is_unknown_gives_back_what_was_taken() {
    let shop = Shop::new();
    shop.line.dies_after_capture.store(true, Ordering::Relaxed);
    let command = capture();
    shop.kit.receive(&[&command]).await;
    assert_eq!(shop.status(), None);
    shop.handles(&refund()).await;
    assert_eq!(shop.only_reply::<PaymentRefunded>().await.amount, euros(2_500));
    assert_eq!(shop.status_at_provider().as_deref(), Some("refunded"));
    shop.handles(&command).await;
    let declined = shop.replies().await[1]
        .decode::<PaymentDeclined>()
        .unwrap()
        .into_payload();
    assert_eq!(declined.reason, DeclineReason::Refunded);
}

#[tokio::test]
async fn a_capture_on_its_way_while_the_payment_is_given_up_is_refused_by_the_provider() {
    let shop = Shop::told_to(Behaviour::Unreachable).await;
    let command = capture();
    shop.kit.receive(&[&command]).await;
    shop.handles(&refund()).await;
    // What was on its way arrives, past everything that we know.
    let terms = Terms {
        order_id: "ord_1".into(),
        customer_id: "cus_1".into(),
        amount: euros(2_500),
        method: "card".into(),
    };
    let outcome = shop
        .provider
        .capture(&PaymentId::of_order("ord_1"), &terms)
        .await
        .unwrap();
    assert_eq!(outcome, ProviderOutcome::Voided);
}

#[tokio::test]
async fn an_amount_that_is_not_positive_is_declined_and_never_reaches_the_provider() {
    for amount in [0, -1, i64::MIN] {
        let shop = Shop::new();
        shop.handles(&capture_of(euros(amount))).await;
        let declined: PaymentDeclined = shop.only_reply().await;
        assert_eq!(declined.reason, DeclineReason::InvalidAmount);
        assert_eq!(shop.theirs.requests(), 0);
    }
}

#[tokio::test]
async fn the_same_order_with_another_amount_is_parked_and_changes_nothing() {
    let shop = Shop::new();
    shop.handles(&capture()).await;
    let verdicts = shop.kit.receive(&[&capture_of(euros(9_900))]).await;
    let [Verdict::Park { reason, error }] = &verdicts[..] else {
        panic!("{verdicts:?}")
    };
    assert_eq!(*reason, ParkReason::Rejected);
    assert!(error.contains("on other terms") && !error.contains("9900"), "{error}");
    shop.only_reply::<PaymentProcessed>().await;
}

#[tokio::test]
async fn an_order_without_a_usable_id_is_parked() {
    let shop = Shop::new();
    let command = CapturePayment {
        order_id: "ord\n1".into(),
        customer_id: "cus_1".into(),
        amount: euros(1),
        method: "card".into(),
    };
    let verdicts = shop.kit.receive(&[&an_event("OrderSaga", "ord_1", command)]).await;
    assert!(matches!(verdicts[..], [Verdict::Park { .. }]), "{verdicts:?}");
    assert_eq!(shop.theirs.requests(), 0);
}

#[tokio::test]
async fn a_provider_that_contradicts_what_is_known_is_a_matter_for_people() {
    let shop = Shop::new();
    shop.handles(&refund()).await;
    shop.takes_the_money().await;
    let verdicts = shop.kit.receive(&[&told(ProviderOutcome::Captured)]).await;
    let [Verdict::Park { error, .. }] = &verdicts[..] else {
        panic!("{verdicts:?}")
    };
    assert!(error.contains("pay_ord_1") && error.contains("by hand"), "{error}");
    assert_eq!(shop.status().as_deref(), Some("voided"));
}

#[tokio::test]
async fn an_answer_that_the_provider_does_not_confirm_is_parked_and_changes_nothing() {
    // Nobody asked for the money; it was declined; it was taken, but for another customer.
    for (behaviour, asked_for) in [
        (Behaviour::Approve, None),
        (Behaviour::Decline, Some("cus_1")),
        (Behaviour::TimeOut, Some("cus_2")),
    ] {
        let shop = Shop::told_to(behaviour).await;
        if let Some(customer_id) = asked_for {
            let terms = Terms {
                order_id: "ord_1".into(),
                customer_id: customer_id.into(),
                amount: euros(2_500),
                method: "card".into(),
            };
            drop(shop.provider.capture(&PaymentId::of_order("ord_1"), &terms).await);
        }
        let (before, asked_before) = (shop.status_at_provider(), shop.theirs.requests());
        let verdicts = shop.kit.receive(&[&told(ProviderOutcome::Captured)]).await;
        let [Verdict::Park { reason, error }] = &verdicts[..] else {
            panic!("{verdicts:?}")
        };
        assert_eq!(*reason, ParkReason::Rejected);
        assert!(
            error.contains("does not confirm") && !error.contains("cus_1"),
            "{error}"
        );
        assert_eq!((shop.status(), shop.replies().await.len()), (None, 0));
        assert_eq!(shop.status_at_provider(), before);
        assert_eq!(shop.theirs.requests(), asked_before + 1, "one question to the provider");
    }
}

#[tokio::test]
async fn the_api_shows_a_payment_by_its_id_and_by_its_order() {
    let shop = Shop::new();
    shop.handles(&capture()).await;
    let (status, payment) = shop.ask("GET", "/payments/pay_ord_1", None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&payment["status"], &payment["amount"]),
        (&json!("captured"), &json!({"minorUnits": 2_500, "currency": "EUR"}))
    );
    let (_, found) = shop.ask("GET", "/payments?orderId=ord_1", None).await;
    assert_eq!(found, json!({"payments": [payment]}));
    let (_, none) = shop.ask("GET", "/payments?orderId=ord_2", None).await;
    assert_eq!(none, json!({"payments": []}));
    for (path, status, code) in [
        ("/payments/pay_ord_2", StatusCode::NOT_FOUND, "unknownPayment"),
        ("/payments", StatusCode::BAD_REQUEST, "badRequest"),
        ("/payments?orderId=%00", StatusCode::BAD_REQUEST, "invalidPaymentId"),
        ("/payments?orderId=", StatusCode::BAD_REQUEST, "invalidPaymentId"),
    ] {
        let answer = shop.ask("GET", path, None).await;
        assert_eq!((answer.0, &answer.1["error"]), (status, &json!(code)), "{path}");
    }
}

#[tokio::test]
async fn the_local_provider_is_told_how_to_behave_and_shows_what_it_did() {
    let shop = Shop::new();
    let path = "/payments/local-provider/behaviour";
    let told = json!({"customerId": "cus_1", "behaviour": "decline"});
    assert_eq!(shop.ask("PUT", path, Some(told.clone())).await, (StatusCode::OK, told));
    shop.handles(&capture()).await;
    let (_, seen) = shop.ask("GET", "/payments/local-provider/payments/ord_1", None).await;
    assert_eq!(seen["status"], "declined");
    for wrong in [
        json!({"behaviour": "decline"}),
        json!({"customerId": "c", "method": "card", "behaviour": "decline"}),
        json!({"customerId": "c", "behaviour": "dance"}),
    ] {
        let (status, answer) = shop.ask("PUT", path, Some(wrong)).await;
        assert!(status.is_client_error() && answer["message"].is_string(), "{answer}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// A command as a new event.
    Capture,
    Refund,
    /// All that was sent so far is delivered again, whatever became of it, and all at once.
    Again,
    /// The process dies after its next capture.
    Die,
    /// The provider tells whatever it has to tell.
    Tell,
    Behave(Behaviour),
}

fn step() -> impl Strategy<Value = Step> {
    let behaviour = prop_oneof![
        Just(Behaviour::Approve),
        Just(Behaviour::Decline),
        Just(Behaviour::TimeOut),
        Just(Behaviour::TimeOutThenAnswerTwice),
        Just(Behaviour::Unreachable),
    ];
    prop_oneof![
        3 => Just(Step::Capture),
        2 => Just(Step::Refund),
        3 => Just(Step::Again),
        1 => Just(Step::Die),
        1 => Just(Step::Tell),
        2 => behaviour.prop_map(Step::Behave),
    ]
}

/// Sends commands step by step, several at the same moment, and in the end until each is handled.
async fn run(steps: Vec<Step>, seed: u64) -> (Shop, Vec<Event>) {
    let shop = Shop::seeded(seed);
    let mut sent: Vec<Event> = Vec::new();
    for step in steps {
        match step {
            Step::Capture => sent.push(capture()),
            Step::Refund => sent.push(refund()),
            Step::Again => drop(shop.kit.receive(&sent.iter().collect::<Vec<_>>()).await),
            Step::Die => shop.line.dies_after_capture.store(true, Ordering::Relaxed),
            Step::Tell => {
                for answer in events_in(&shop.theirs, "ProviderPayment#pay_ord_1").await {
                    shop.kit.receive(&[&answer]).await;
                }
            }
            Step::Behave(behaviour) => shop.tell(behaviour).await,
        }
    }
    shop.tell(Behaviour::Approve).await;
    shop.line.dies_after_capture.store(false, Ordering::Relaxed);
    for event in &sent {
        // A fault that was still to come may hit this delivery; the next one is handled.
        shop.kit.receive(&[event]).await;
        let verdict = shop.kit.receive(&[event]).await.remove(0);
        assert!(matches!(verdict, Verdict::Done | Verdict::Duplicate), "{verdict:?}");
    }
    (shop, sent)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// At most one capture per order; none is left after a refund; our row and the provider agree; each command has
    /// exactly one reply.
    #[test]
    fn money_is_taken_at_most_once_and_never_kept_after_a_refund(
        steps in proptest::collection::vec(step(), 1..25),
        seed in any::<u64>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (shop, sent) = run(steps, seed).await;
            if sent.is_empty() {
                return;
            }
            assert!(shop.theirs.count("provider") <= 2, "one payment, one behaviour");
            let (ours, theirs) = (shop.status().unwrap(), shop.status_at_provider());
            // A payment that the provider declined is voided without asking it.
            let theirs_by_ours: &[&str] = match ours.as_str() {
                "voided" => &["voided", "declined"],
                _ => &[ours.as_str()],
            };
            let agree = theirs.as_deref().is_some_and(|theirs| theirs_by_ours.contains(&theirs));
            assert!(agree, "{ours} here, {theirs:?} there");
            let was_refunded = sent.iter().any(|event| event.event_type() == "RefundPayment");
            assert!(!was_refunded || theirs.as_deref() != Some("captured"), "money was kept after a refund");
            let mut causes: Vec<String> = shop.replies().await.iter()
                .map(|reply| reply.metadata().causation_id.clone()).collect();
            let mut commands: Vec<String> = sent.iter().map(|event| event.id().to_string()).collect();
            causes.sort();
            commands.sort();
            assert_eq!(causes, commands, "each command has exactly one reply");
        });
    }
}

#[tokio::test]
async fn texts_that_fit_into_no_key_are_refused_by_name() {
    let shop = Shop::new();
    let long = "x".repeat(2_100);
    let behaviour = Some(json!({"customerId": long, "behaviour": "approve"}));
    for (method, path, body, field) in [
        ("PUT", "/payments/local-provider/behaviour", behaviour, "customerId"),
        (
            "GET",
            &*format!("/payments/local-provider/payments/{long}"),
            None,
            "orderId",
        ),
    ] {
        let (status, answer) = shop.ask(method, path, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert!(answer["message"].as_str().unwrap().starts_with(field), "{answer}");
    }
    let command = capture()
        .to_json()
        .replace(r#""method":"card""#, &format!(r#""method":"{long}""#));
    let verdict = shop
        .kit
        .receive(&[&Event::from_json(&command).unwrap()])
        .await
        .remove(0);
    assert!(
        matches!(&verdict, Verdict::Park { reason: ParkReason::Rejected, error } if error.contains("method")),
        "{verdict:?}"
    );
}
