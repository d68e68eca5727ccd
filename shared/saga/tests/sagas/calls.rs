use std::sync::{Arc, Mutex};
use std::time::Duration;

use onecommit_engine::{Failure, Verdict};
use onecommit_event::Event;
use onecommit_saga::{Call, Called, Command, Definition, Saga, Status, What, step};

use crate::order::{NotifyCustomer, Order, OrderCreated, PaymentTaken};
use crate::shop::Shop;

/// A payment provider that honours idempotency keys, as far as a test tells it to.
#[derive(Clone, Default)]
struct Provider(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    keys: Vec<String>,
    payloads: Vec<Option<String>>,
    answers: Vec<Answer>,
}

#[derive(Clone, Copy)]
enum Answer {
    Yes,
    No,
    Silence,
}

impl Provider {
    /// Answers so, the last one first; and yes after that.
    fn that_answers(answers: &[Answer]) -> Self {
        let provider = Self::default();
        provider.0.lock().unwrap().answers = answers.to_vec();
        provider
    }

    fn asked(&self, key: &str) -> Answer {
        let mut book = self.0.lock().unwrap();
        book.keys.push(key.to_owned());
        book.answers.pop().unwrap_or(Answer::Yes)
    }

    /// Which payment each call named.
    fn payloads(&self) -> Vec<Option<String>> {
        self.0.lock().unwrap().payloads.clone()
    }

    fn keys(&self) -> Vec<String> {
        self.0.lock().unwrap().keys.clone()
    }
}

fn notify(order: &Order) -> NotifyCustomer {
    NotifyCustomer {
        order_id: order.order_id.clone(),
        customer_id: order.customer_id.clone(),
    }
}

fn definition(charging: &Provider, receipts: &Provider) -> Definition {
    let call = |name: &str, provider: &Provider| {
        let provider = provider.clone();
        Call::to(name, move |mut order: Order, key| {
            let answer = provider.asked(key.as_str());
            async move {
                match answer {
                    Answer::Yes => {
                        order.payment_id = Some(format!("pay-{key}"));
                        Ok(Called::Succeeded(order))
                    }
                    Answer::No => Ok(Called::Refused("card expired".to_owned())),
                    Answer::Silence => Err(Failure::transient("the provider does not answer")),
                }
            }
        })
    };
    Saga::named("OrderSaga", 1)
        .started_by::<Order, OrderCreated>()
        .pivot(step("charge card", call("charge", charging).attempts(2)).undone_by(Command::of(notify).unanswered()))
        .retriable(step("send receipt", call("receipt", receipts)))
        .build()
        .unwrap()
}

/// What the orchestrator says to itself.
async fn call_due(shop: &Shop) -> Event {
    shop.commands("ord_1").await.pop().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_call_is_made_by_the_orchestrator_and_its_outcome_is_the_transition() {
    let (charging, receipts) = (Provider::default(), Provider::default());
    let shop = Shop::running([definition(&charging, &receipts)]);
    shop.begin("ord_1").await;
    assert_eq!(shop.command_types("ord_1").await, ["SagaCallDue"]);
    let due: serde_json::Value = serde_json::from_str(shop.commands("ord_1").await[0].payload().get()).unwrap();
    assert_eq!((&due["undo"], &due["number"]), (&false.into(), &1.into()));
    let before = shop.database.requests();
    let due = call_due(&shop).await;
    assert_eq!(shop.receive(&due).await, Verdict::Done);
    assert_eq!(
        shop.database.requests() - before,
        3,
        "whether it was handled, the row with what the call is made with, the transition"
    );
    let key = charging.keys().remove(0);
    assert_eq!(
        shop.row("ord_1").data::<Order>().unwrap().payment_id,
        Some(format!("pay-{key}"))
    );
    shop.receive(&call_due(&shop).await).await;
    assert_eq!(shop.status("ord_1"), Status::Completed);
    assert_eq!(receipts.keys().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_outcome_nobody_knows_is_repeated_with_the_same_key_also_after_its_deadline() {
    let charging = Provider::that_answers(&[Answer::Yes, Answer::Silence, Answer::Silence]);
    let shop = Shop::running([definition(&charging, &Provider::default())]);
    shop.begin("ord_1").await;
    let due = call_due(&shop).await;
    assert!(matches!(shop.receive(&due).await, Verdict::Retry { .. }));
    shop.after(60).await;
    let again = call_due(&shop).await;
    assert_eq!(due.id(), again.id(), "it is the same call");
    assert!(matches!(shop.receive(&again).await, Verdict::Retry { .. }));
    assert_eq!(shop.receive(&due).await, Verdict::Done);
    let keys = charging.keys();
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_pivot_call_turns_back_and_a_refused_later_one_is_made_anew_under_another_key() {
    let charging = Provider::that_answers(&[Answer::No]);
    let shop = Shop::running([definition(&charging, &Provider::default())]);
    shop.begin("ord_1").await;
    shop.receive(&call_due(&shop).await).await;
    assert_eq!(shop.status("ord_1"), Status::Compensated);
    assert_eq!(
        shop.commands("ord_1").await.len(),
        1,
        "what did not happen is not undone"
    );
    let refused = shop.row("ord_1").timeline()[2].clone();
    assert_eq!(
        (refused.what, refused.detail.as_deref()),
        (What::Refused, Some("card expired"))
    );

    let receipts = Provider::that_answers(&[Answer::No]);
    let shop = Shop::running([definition(&Provider::default(), &receipts)]);
    shop.begin("ord_1").await;
    shop.receive(&call_due(&shop).await).await;
    shop.receive(&call_due(&shop).await).await;
    assert_eq!(shop.status("ord_1"), Status::Running);
    shop.after(10).await;
    shop.receive(&call_due(&shop).await).await;
    assert_eq!(shop.status("ord_1"), Status::Completed);
    let keys = receipts.keys();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_comes_up_after_its_step_was_given_up_is_not_made_and_undone_once_more() {
    let charging = Provider::default();
    let shop = Shop::running([definition(&charging, &Provider::default())]);
    shop.begin("ord_1").await;
    let due = call_due(&shop).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    for _ in 0..3 {
        shop.after(60).await;
    }
    assert_eq!(shop.command_types("ord_1").await[2..], ["NotifyCustomer"]);
    assert_eq!(shop.status("ord_1"), Status::Compensated);
    assert_eq!(shop.receive(&due).await, Verdict::Done);
    assert!(charging.keys().is_empty());
    assert_eq!(shop.command_types("ord_1").await[2..], ["NotifyCustomer"; 2]);
}

/// ```text
/// first answer    lands: the call is due, made with seat 1
/// second answer   would make it due with seat 2, and does not land; this process remembers it
/// ```
#[tokio::test(start_paused = true)]
async fn a_call_is_made_with_what_was_committed() {
    let charging = Provider::default();
    let shop = Shop::running([reserve_then_charge(&charging)]);
    shop.begin("ord_1").await;
    shop.after(60).await;
    let commands = shop.commands("ord_1").await;
    let answers: Vec<Event> = commands
        .iter()
        .zip(["pay_first", "pay_second"])
        .map(|(command, payment)| {
            let (order_id, payment_id) = ("ord_1".to_owned(), payment.to_owned());
            shop.caused_by(command, PaymentTaken { order_id, payment_id })
        })
        .collect();
    shop.kit.receive(&[&answers[0], &answers[1]]).await;
    let committed = shop.row("ord_1").data::<Order>().unwrap().payment_id;
    let due = call_due(&shop).await;
    assert_eq!(shop.receive(&due).await, Verdict::Done);
    assert_eq!(charging.payloads(), [committed]);
}

/// The call is due when the step beside it is answered: its content stays, and so does what the answer said.
#[tokio::test(start_paused = true)]
async fn a_repeated_call_has_the_same_content() {
    let charging = Provider::that_answers(&[Answer::Yes, Answer::Silence]);
    let take = Command::of(notify).answered_by::<PaymentTaken>();
    let definition = Saga::named("OrderSaga", 1)
        .started_by::<Order, OrderCreated>()
        .pivot(step("start", Command::of(notify).unanswered()).undone_by(Command::of(notify).unanswered()))
        .retriable_together([
            step("take", take),
            step("charge card", call_naming("charge", &charging)),
        ])
        .build();
    let shop = Shop::running([definition.unwrap()]);
    shop.begin("ord_1").await;
    let commands = shop.commands("ord_1").await;
    let due = commands
        .iter()
        .find(|event| event.event_type() == "SagaCallDue")
        .unwrap();
    assert!(matches!(shop.receive(due).await, Verdict::Retry { .. }));
    let (order_id, payment_id) = ("ord_1".to_owned(), "pay_1".to_owned());
    let taken = shop.caused_by(&commands[1], PaymentTaken { order_id, payment_id });
    assert_eq!(shop.receive(&taken).await, Verdict::Done);
    assert_eq!(shop.receive(due).await, Verdict::Done);
    assert_eq!(charging.payloads(), [None, None]);
    let data = shop.row("ord_1").data::<Order>().unwrap();
    assert_eq!(data.payment_id.as_deref(), Some("pay_1"), "the answer's part");
    assert_eq!(data.customer_id, "charged", "the call's part");
    assert_eq!(shop.status("ord_1"), Status::Completed);
}

fn call_naming(name: &str, provider: &Provider) -> onecommit_saga::Action<Order> {
    let provider = provider.clone();
    Call::to(name, move |mut order: Order, key| {
        let answer = provider.asked(key.as_str());
        provider.0.lock().unwrap().payloads.push(order.payment_id.clone());
        async move {
            match answer {
                Answer::Silence => Err(Failure::transient("the provider does not answer")),
                _ => {
                    order.customer_id = "charged".to_owned();
                    Ok(Called::Succeeded(order))
                }
            }
        }
    })
}

fn reserve_then_charge(charging: &Provider) -> Definition {
    let take = Command::of(notify).answered_by::<PaymentTaken>();
    Saga::named("OrderSaga", 1)
        .started_by::<Order, OrderCreated>()
        .compensatable(step("take", take).compensated_by(Command::of(notify).unanswered()))
        .pivot(step("charge card", call_naming("charge", charging)).undone_by(Command::of(notify).unanswered()))
        .build()
        .unwrap()
}
