//! The context on a provider that flaps: whatever fails, and however often commands are sent, money is taken once and
//! returned once, and what the saga is told is what the provider did.

use std::sync::Arc;
use std::time::Duration;

use onecommit_client::{Address, Circuit, CircuitSettings, Client, ClientSettings};
use onecommit_engine::{EventLog, Table, TableReader, Verdict};
use onecommit_environment::{Clock, Environment, Random, SeededRandom, SystemClock};
use onecommit_event::Event;
use onecommit_outside::{Fault, Outside};
use onecommit_testing::{MemoryDatabase, TestConsumer, VirtualClock, an_event};
use storefront_money::{Currency, Money};
use storefront_payments::{CapturePayment, HttpProvider, Payments, RefundPayment};

use crate::process::settings;

struct Shop {
    outside: Outside,
    ours: Arc<MemoryDatabase>,
    kit: TestConsumer,
    random: SeededRandom,
}

fn log() -> EventLog {
    EventLog::new(Table::new("events"))
}

impl Shop {
    fn seeded(seed: u64) -> Self {
        // The kit stamps events by the system's clock.
        let clock = VirtualClock::showing(SystemClock.now());
        let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(seed)));
        let (outside, ours) = (Outside::new(), Arc::<MemoryDatabase>::default());
        let address = Address::fixed("payment-provider", "https://payments.example").unwrap();
        let circuit = Circuit::local("payment-provider", CircuitSettings::default(), environment.clone()).unwrap();
        let settings = ClientSettings {
            circuit: Some(circuit),
            ..settings()
        };
        let client = Client::new(outside.router(), address, settings, environment.clone());
        let payments = Payments::new(
            ours.clone(),
            Table::new("payments"),
            Arc::new(HttpProvider::new(client)),
        );
        let kit = TestConsumer::on(ours.clone(), payments.consumer("payments"), environment).with_event_log(log());
        Self {
            outside,
            ours,
            kit,
            random: SeededRandom::new(seed),
        }
    }

    fn flap(&self) {
        let count = self.random.up_to(12);
        let faults = (0..count).map(|_| Fault::ALL[self.random.up_to(Fault::ALL.len() as u64 - 1) as usize]);
        self.outside.fail(faults.collect::<Vec<_>>());
    }

    /// Delivers a command until it is done, as its queue does.
    async fn handles(&self, event: &Event) {
        for _ in 0..1_000 {
            self.flap();
            match &self.kit.receive(&[event]).await[..] {
                [Verdict::Done | Verdict::Duplicate] => return,
                // The queue waits before it delivers again, up to a quarter of an hour.
                [Verdict::Retry { .. }] => tokio::time::sleep(Duration::from_secs(self.random.up_to(900))).await,
                other => panic!("{other:?}"),
            }
        }
        panic!("{} was never done", event.event_type());
    }

    async fn told(&self) -> Vec<String> {
        let page = self
            .ours
            .query(&log().table().query("stream", "Payment#pay_ord_1"))
            .await
            .unwrap();
        page.rows
            .iter()
            .map(|row| EventLog::event_in(row).unwrap().event_type().to_owned())
            .collect()
    }

    fn times(&self, what: &str) -> u64 {
        self.outside.report()[what]["pay_ord_1"].as_u64().unwrap_or(0)
    }
}

fn capture() -> Event {
    let command = CapturePayment {
        order_id: "ord_1".into(),
        customer_id: "cus_1".into(),
        amount: Money::new(2_500, Currency::new("EUR").unwrap()),
        method: "card".into(),
    };
    an_event("OrderSaga", "ord_1", command)
}

fn refund() -> Event {
    let command = RefundPayment {
        order_id: "ord_1".into(),
        reason: "the order was given up".into(),
    };
    an_event("OrderSaga", "ord_1", command)
}

#[tokio::test(start_paused = true)]
async fn money_is_taken_once_and_returned_once() {
    for seed in 0..150 {
        let shop = Shop::seeded(seed);
        shop.handles(&capture()).await;
        shop.handles(&capture()).await;
        assert_eq!((shop.times("captures"), shop.times("refunds")), (1, 0), "seed {seed}");
        shop.handles(&refund()).await;
        shop.handles(&refund()).await;
        shop.handles(&capture()).await;
        assert_eq!((shop.times("captures"), shop.times("refunds")), (1, 1), "seed {seed}");
        assert_eq!(shop.outside.report()["withoutKey"], 0, "seed {seed}");
        let told = shop.told().await;
        let count = |name: &str| told.iter().filter(|told| *told == name).count();
        assert_eq!(
            (count("PaymentProcessed"), count("PaymentRefunded")),
            (1, 1),
            "seed {seed}: {told:?}"
        );
        assert_eq!(told[0], "PaymentProcessed", "seed {seed}: {told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_was_given_up_first_takes_nothing() {
    for seed in 0..150 {
        let shop = Shop::seeded(seed);
        shop.handles(&refund()).await;
        shop.handles(&capture()).await;
        assert_eq!((shop.times("captures"), shop.times("refunds")), (0, 0), "seed {seed}");
        assert_eq!(shop.told().await, ["PaymentRefunded", "PaymentDeclined"], "seed {seed}");
    }
}

/// Both at the same time, as when a saga gives up while its command is on the way.
#[tokio::test(start_paused = true)]
async fn a_payment_given_up_while_it_is_taken_ends_without_money() {
    for seed in 0..150 {
        let shop = Shop::seeded(seed);
        let (capture, refund) = (capture(), refund());
        tokio::join!(shop.handles(&capture), shop.handles(&refund));
        shop.handles(&refund).await;
        assert_eq!(shop.times("captures"), shop.times("refunds"), "seed {seed}");
    }
}
