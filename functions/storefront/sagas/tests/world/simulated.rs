//! The whole storefront in the simulation: every context, the orchestrator, the relay and the sweeper as processes that
//! crash, whose requests get lost, and whose clocks jump.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{EventLog, Settings, Table, TableReader};
use onecommit_event::{Aggregate, Event};
use onecommit_event_store::EventStore;
use onecommit_relay::RelaySettings;
use onecommit_saga::{
    DeadlineSender, DeadlineSenderError, Orchestrator, SagaDeadlineReached, SagaRetryRequested, SagaRow, Status,
    Sweeper,
};
use onecommit_simulation::{
    Fault, FaultRates, Host, Outage, Process, QueueSettings, Scenario, Search, Target, TopicKind, Trouble, World,
    relay_of,
};
use serde_json::json;
use storefront_notifications::{Courier, DeliveryError, Parcel};
use storefront_orders::{Order, OrderStatus};
use storefront_payments::Behaviour;
use storefront_sagas::{Deadlines, ORDER_SAGA, order_saga};

use crate::storefront::Storefront;
use crate::world::{EVENTS, SAGAS};

/// Three orders for teapots, perhaps while something does not work.
pub(crate) struct Shop {
    customers: [(&'static str, Behaviour); 3],
    teapots: i64,
    outage: Option<Outage>,
}

/// Three orders for two teapots, one of a customer whose card is declined.
pub(crate) const TROUBLED: Shop = Shop {
    customers: [
        ("ada", Behaviour::Approve),
        ("bob", Behaviour::Decline),
        ("cyd", Behaviour::TimeOutThenAnswerTwice),
    ],
    teapots: 2,
    outage: None,
};
/// Three orders that nothing stands in the way of.
const CALM: Shop = Shop {
    customers: [
        ("ada", Behaviour::Approve),
        ("bob", Behaviour::Approve),
        ("cyd", Behaviour::Approve),
    ],
    teapots: 3,
    outage: None,
};
const TOPIC: &str = "events";
const WAKES: &str = "wakes";
const ORCHESTRATOR: &str = "orchestrator";
/// Each with a queue of its name, in the order in which the storefront has their consumers.
const CONTEXTS: [&str; 5] = ["orders", "catalog", "payments", "users", "notifications"];
const DEAD_LETTERS: &str = "dead-letters";
/// As in the template: enough for an outage of a day.
const DELIVERIES_MAX: u32 = 1_000;

/// How often something goes wrong.
pub(crate) const WEATHER: FaultRates = FaultRates {
    faults_per_mille: 40,
    faults_max: 20,
};

/// Notes what customers are told.
struct Noting(Process);

#[async_trait]
impl Courier for Noting {
    async fn hand_over(&self, parcel: &Parcel) -> Result<String, DeliveryError> {
        self.0.note(parcel.message.subject.clone());
        Ok("receipt".to_owned())
    }
}

/// Tells customers nothing: it belongs to those who set up and look.
struct Silent;

#[async_trait]
impl Courier for Silent {
    async fn hand_over(&self, _: &Parcel) -> Result<String, DeliveryError> {
        Ok("receipt".to_owned())
    }
}

struct Wakes(Process);

#[async_trait]
impl DeadlineSender for Wakes {
    async fn wake(&self, due: &[Event<SagaDeadlineReached>]) -> Vec<Result<(), DeadlineSenderError>> {
        let mut results = Vec::new();
        for event in due {
            results.push(self.0.publish(WAKES, event.clone().into_raw().unwrap()).await);
        }
        results
    }
}

async fn sweep(process: Process) {
    let rows: Arc<dyn TableReader> = process.tables();
    let sweeper = Sweeper::new(Table::new(SAGAS), "by-deadline", rows, process.environment());
    // What one sweep does not manage, the next one does.
    let _ = sweeper.sweep(&Wakes(process.clone())).await;
    let Ok(stuck) = sweeper.needing_attention(10).await else {
        return;
    };
    for saga in stuck {
        let reason = "the other side is back".to_owned();
        let retry = SagaRetryRequested { step: None, reason };
        let retry = Event::new(saga.saga, retry, &process.environment()).into_raw().unwrap();
        let _ = process.publish(WAKES, retry).await;
    }
}

/// Runs what needs no simulation: setting up, and looking.
fn at_once<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(work)
}

fn order_of(customer: &str) -> String {
    format!("ord-{customer}")
}

fn saga_of(world: &World, customer: &str) -> Option<SagaRow> {
    let saga = Aggregate::new(ORDER_SAGA, order_of(customer)).unwrap();
    let row = world.row(SAGAS, &[&saga.to_string()])?;
    Some(SagaRow::from_item(&row).unwrap())
}

fn patient() -> Settings {
    Settings::default().deliveries_max(DELIVERIES_MAX)
}

impl Shop {
    fn looked_at(world: &World) -> Storefront {
        Storefront::told_by(world.tables(), world.environment(), Arc::new(Silent))
    }

    async fn open(&self, world: &World) {
        let shop = Self::looked_at(world);
        shop.open().await;
        shop.sell("TEAPOT", self.teapots, 1_250).await;
        for (customer, behaviour) in self.customers {
            shop.register(customer).await;
            shop.provider_behaves(customer, behaviour).await;
            let body = json!({
                "orderId": order_of(customer), "customerId": customer, "currency": "EUR", "paymentMethod": "card",
                "items": [{"sku": "TEAPOT", "quantity": 1, "unitPriceMinor": 1_250}],
            });
            let (status, answer) = shop.ask("POST", "/orders", body).await;
            assert_eq!(status, 202, "{answer}");
        }
    }

    async fn look(&self, world: &World) -> Result<(), String> {
        let shop = Self::looked_at(world);
        let log = EventLog::new(Table::new(EVENTS)).with_pending_marks();
        let tables = world.tables().clone();
        let store = EventStore::new(tables, log, world.environment().clone());
        let mut confirmed = 0;
        for (customer, _) in self.customers {
            let id = order_of(customer);
            let saga = saga_of(world, customer).unwrap().status();
            let stream = Aggregate::new("Order", &id).unwrap();
            let order = store.load::<Order>(&stream).await.unwrap().state.status;
            let (money, goods) = (shop.money(&id).await, shop.reservation(&id).await);
            let told = world
                .notes()
                .iter()
                .filter(|subject| **subject == format!("Order {id}"))
                .count();
            let is_paid = money.as_deref() == Some("captured");
            let has_goods = goods.as_deref() == Some("confirmed");
            let is_whole = match saga {
                Status::Completed => order == OrderStatus::Confirmed && is_paid && has_goods,
                Status::Compensated => order != OrderStatus::Confirmed && !is_paid && !has_goods && told == 0,
                _ => false,
            };
            if !is_whole || told > 1 {
                return Err(format!(
                    "{id}: {saga}, {order:?}, money {money:?}, goods {goods:?}, told {told} times"
                ));
            }
            confirmed += i64::from(saga == Status::Completed);
        }
        let stock = shop.stock("TEAPOT").await;
        if stock.held != 0 || stock.confirmed != confirmed || stock.available != self.teapots - confirmed {
            return Err(format!("{stock:?} with {confirmed} orders confirmed"));
        }
        Ok(())
    }
}

impl Scenario for Shop {
    fn name(&self) -> &str {
        "the storefront"
    }

    /// Its sagas' deadlines are shorter than a clock may be off, and a deadline that counts too early is no fault of theirs.
    fn faults(&self) -> &'static [Fault] {
        Fault::WITH_RIGHT_CLOCKS
    }

    /// During a day everybody asks for work some hundred thousand times.
    fn steps_max(&self) -> u64 {
        5_000_000
    }

    fn set_up(&self, world: &mut World) {
        world.topic(TOPIC, TopicKind::Sns);
        world.topic(WAKES, TopicKind::Sns);
        let settings = QueueSettings::new().receives_max(DELIVERIES_MAX);
        world.queue(ORCHESTRATOR, settings);
        world.queue(DEAD_LETTERS, settings);
        world.subscribe(WAKES, ORCHESTRATOR, &[]);
        let definition = || order_saga(&Deadlines::default()).unwrap();
        let rows: Arc<dyn TableReader> = world.tables().clone();
        let known = Orchestrator::new([definition()], Table::new(SAGAS), rows, world.environment().clone());
        let types: Vec<&'static str> = known.unwrap().event_types().into_iter().collect();
        world.subscribe(TOPIC, ORCHESTRATOR, &types);
        world.consumer("orchestrator", ORCHESTRATOR, Host::default(), move |process| {
            let rows: Arc<dyn TableReader> = process.tables();
            let sagas = Orchestrator::new([definition()], Table::new(SAGAS), rows, process.environment());
            sagas.unwrap().consumer("orchestrator").with(patient())
        });
        let contexts = Self::looked_at(world).take_consumers();
        assert_eq!(contexts.len(), CONTEXTS.len());
        for (place, (name, context)) in CONTEXTS.into_iter().zip(&contexts).enumerate() {
            world.queue(name, settings);
            world.subscribe(TOPIC, name, &context.event_types());
            world.consumer(name, name, Host::default(), move |process| {
                let courier = Arc::new(Noting(process.clone()));
                let mut shop = Storefront::told_by(&process.tables(), &process.environment(), courier);
                shop.take_consumers().swap_remove(place).with(patient())
            });
        }
        let settings = RelaySettings::default();
        world.relay(2, 10, TOPIC, DEAD_LETTERS, settings);
        world.every("recovery", Duration::from_secs(900), move |process| async move {
            let relay = relay_of(&process, TOPIC, DEAD_LETTERS, settings);
            // The next one tries again.
            let _ = relay
                .recover(Duration::from_secs(60), onecommit_engine::Deadline::none())
                .await;
        });
        world.every("sweeper", Duration::from_secs(60), sweep);
        at_once(self.open(world));
        if let Some(outage) = &self.outage {
            world.outage(outage.clone());
        }
    }

    fn is_settled(&self, world: &World) -> bool {
        let has_ended = |customer: &str| saga_of(world, customer).is_some_and(|saga| saga.status().is_end());
        let rows = world.tables().dump().remove(EVENTS).unwrap_or_default();
        self.customers.iter().all(|(customer, _)| has_ended(customer))
            && rows.iter().all(|row| !EventLog::is_pending(row))
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        at_once(self.look(world))
    }
}

#[test]
fn money_goods_and_orders_agree_whatever_crashes_and_whatever_gets_lost() {
    let explored = Search::of(&TROUBLED).randomly(0..300, WEATHER);
    let explored = explored.unwrap_or_else(|broken| panic!("{broken}"));
    assert!(explored.faults.len() > 10, "{explored:?}");
}

/// What an outage takes away, by name.
fn dependencies() -> Vec<(&'static str, Target, Trouble)> {
    let table = |name: &str| Target::Table(name.to_owned());
    let queue = |name: &str| Target::Queue(name.to_owned());
    let relays = Target::Process("relay".to_owned());
    vec![
        ("the relay", relays, Trouble::Unreachable),
        ("the topic", Target::Topic(TOPIC.to_owned()), Trouble::Unreachable),
        ("the orchestrator's queue", queue(ORCHESTRATOR), Trouble::Unreachable),
        ("the events table", table(EVENTS), Trouble::Throttled),
        ("the sagas table", table(SAGAS), Trouble::Throttled),
        ("the ledger", table("ledger"), Trouble::Throttled),
    ]
}

const LASTS_S: [u64; 4] = [30, 300, 3_600, 43_200];

/// No saga turns back because something of ours did not work, and what was to be done is done soon after.
#[test]
fn an_outage_compensates_no_saga() {
    let (calm, verdict) = Search::of(&CALM).calmly();
    assert_eq!(verdict, Ok(()));
    let takes = calm.elapsed();
    let mut wrong = Vec::new();
    for (name, target, trouble) in dependencies() {
        for lasts in LASTS_S.map(Duration::from_secs) {
            // Before the orders, and in the midst of them.
            for begins in [Duration::ZERO, takes / 3, takes * 2 / 3] {
                let target = target.clone();
                let outage = Outage {
                    target,
                    trouble,
                    begins,
                    lasts,
                };
                wrong.extend(wrong_after(outage).map(|what| format!("{name} for {lasts:?} from {begins:?}: {what}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn wrong_after(outage: Outage) -> Option<String> {
    let ends = outage.ends();
    let shop = Shop {
        outage: Some(outage),
        ..CALM
    };
    let (world, verdict) = Search::of(&shop).calmly();
    let after = world.elapsed().saturating_sub(ends);
    let is_confirmed =
        |customer: &str| saga_of(&world, customer).is_some_and(|saga| saga.status() == Status::Completed);
    let confirmed = shop
        .customers
        .iter()
        .filter(|(customer, _)| is_confirmed(customer))
        .count();
    let is_well = verdict.is_ok() && confirmed == shop.customers.len() && after <= Duration::from_secs(16 * 60);
    (!is_well).then(|| format!("{confirmed} confirmed, done {after:?} after it, {verdict:?}"))
}
