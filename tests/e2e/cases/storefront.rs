//! Orders through the whole storefront, while its functions are killed.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use onecommit_event::Aggregate;
use onecommit_saga::{SagaRow, Status};
use serde_json::{Value, json};

use crate::api::{get, invoke, put, request, served};
use crate::aws::Aws;
use crate::deployment;
use crate::events::unique;
use crate::patience::{eventually, eventually_within, pause};
use crate::processes::kill_function;

/// Orders of one run; `STOREFRONT_ORDERS` asks for another number.
const ORDERS: usize = 40;
const PRODUCTS: usize = 4;
/// A function is killed each time so many orders are placed, and then while the sagas run.
const PLACED_BETWEEN_KILLS: usize = 4;
/// How often an order is placed before the shop counts as closed: enough for minutes.
const PLACING_ATTEMPTS_MAX: usize = 1_000;
/// So often in all, for [`ORDERS`].
const ROUNDS_OF_KILLING: usize = 24;
/// The functions that are killed, in turn.
const KILLED: [&str; 6] = [
    "OrchestratorFunctionName",
    "CatalogFunctionName",
    "PaymentsFunctionName",
    "RelayFunctionName",
    "OrdersFunctionName",
    "NotificationsFunctionName",
];
/// How the payment provider treats a customer, in turn.
const BEHAVIOURS: [&str; 5] = ["approve", "approve", "decline", "timeOut", "timeOutThenAnswerTwice"];

#[derive(Clone)]
pub(super) struct Storefront {
    /// Of a stack of its own: a message in the hands of a function that is killed is hidden for minutes, and nobody else's
    /// messages shall be.
    outputs: HashMap<String, String>,
    run: String,
    /// What each product started with.
    stock: BTreeMap<String, i64>,
}

impl Storefront {
    /// Products of this run alone, of which there are not enough for all, and a provider that misbehaves.
    pub(super) fn open(outputs: HashMap<String, String>, orders: usize) -> Self {
        let run = unique("run");
        let stock = (0..PRODUCTS).map(|number| (format!("{run}-{number}"), (orders / PRODUCTS) as i64));
        let storefront = Self {
            outputs,
            stock: stock.collect(),
            run,
        };
        for (sku, quantity) in &storefront.stock {
            let url = storefront.url("CatalogApiUrl", &format!("/catalog/products/{sku}"));
            let price = json!({"minorUnits": 1250, "currency": "EUR"});
            let product =
                json!({"name": "Teapot", "category": "teapots", "price": price, "description": "Holds a litre."});
            assert_eq!(put(&url, &product).status, 200);
            let addition = json!({"additionId": "first", "quantity": quantity});
            assert_eq!(served("POST", &format!("{url}/stock"), Some(&addition)).status, 200);
        }
        let url = storefront.url("PaymentsApiUrl", "/payments/local-provider/behaviour");
        for behaviour in BEHAVIOURS {
            let told = json!({"method": storefront.method(behaviour), "behaviour": behaviour});
            assert_eq!(put(&url, &told).status, 200);
        }
        storefront
    }

    fn url(&self, api: &str, path: &str) -> String {
        format!("{}{path}", self.outputs[api])
    }

    fn method(&self, behaviour: &str) -> String {
        format!("{}-{behaviour}", self.run)
    }

    /// Places an order of a customer, which the payment provider approves.
    pub(super) fn place_for(&self, customer_id: &str) -> String {
        self.place_of(0, customer_id)
    }

    /// Places an order for two of a product, and one of another.
    pub(super) fn place(&self, number: usize) -> String {
        self.place_of(number, &unique("cus"))
    }

    fn place_of(&self, number: usize, customer_id: &str) -> String {
        let order_id = format!("{}-{number}", self.run);
        let sku = |offset: usize| format!("{}-{}", self.run, (number + offset) % PRODUCTS);
        let item = |sku: String, quantity: u32| json!({"sku": sku, "quantity": quantity, "unitPriceMinor": 1250});
        let order = json!({
            "orderId": order_id, "customerId": customer_id, "currency": "EUR",
            "paymentMethod": self.method(BEHAVIOURS[number % BEHAVIOURS.len()]),
            "items": [item(sku(0), 2), item(sku(1), 1)],
        });
        // A function may be killed while it answers, or its table be out for a while; the id makes asking again harmless.
        for _ in 0..PLACING_ATTEMPTS_MAX {
            let answer = request("POST", &self.url("OrdersApiUrl", "/orders"), Some(&order));
            if answer.status < 300 {
                return order_id;
            }
            pause();
        }
        panic!("the order {order_id} was never taken")
    }

    pub(super) async fn status_of(&self, aws: &Aws, order_id: &str) -> Option<Status> {
        let saga = Aggregate::new("OrderSaga", order_id).unwrap();
        let key = [("sagaId", saga.to_string())];
        let row = aws.row(&self.outputs["SagasTableName"], &key).await?;
        Some(SagaRow::from_item(&row).unwrap().status())
    }

    fn order(&self, order_id: &str) -> Value {
        let answer = get(&self.url("OrdersApiUrl", &format!("/orders/{order_id}")));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    /// The status of the order's payment at the provider; none when it never heard of it.
    fn at_the_provider(&self, order_id: &str) -> Option<String> {
        let url = self.url(
            "PaymentsApiUrl",
            &format!("/payments/local-provider/payments/{order_id}"),
        );
        get(&url).body["status"].as_str().map(str::to_owned)
    }

    /// Start, available, held and confirmed of a product.
    fn stock_of(&self, sku: &str) -> [i64; 4] {
        let answer = get(&self.url("CatalogApiUrl", &format!("/catalog/products/{sku}/stock")));
        assert_eq!(answer.status, 200, "{answer:?}");
        ["start", "available", "held", "confirmed"].map(|name| answer.body[name].as_i64().unwrap())
    }
}

pub(super) async fn orders_end_well_or_not_at_all_though_functions_are_killed_all_the_time() {
    let aws = Aws::connect();
    let orders = std::env::var("STOREFRONT_ORDERS").map_or(ORDERS, |orders| orders.parse().unwrap());
    let outputs = deployment::another_stack("storefront-e2e", "infra/template.yaml", &[]);
    let storefront = Storefront::open(outputs, orders);
    let (killed, round) = (Cell::new(0), Cell::new(0));
    let kill_another = || {
        let name = KILLED[round.get() % KILLED.len()];
        round.set(round.get() + 1);
        killed.set(killed.get() + kill_function(&storefront.outputs[name]));
    };
    let mut placed = Vec::with_capacity(orders);
    for number in 0..orders {
        placed.push(storefront.place(number));
        if number % PLACED_BETWEEN_KILLS == 0 {
            kill_another();
        }
    }
    let ended: RefCell<HashMap<String, Status>> = RefCell::default();
    let look = async || {
        for order_id in &placed {
            let is_open = !ended.borrow().contains_key(order_id.as_str());
            if is_open
                && let Some(status) = storefront
                    .status_of(&aws, order_id)
                    .await
                    .filter(|status| status.is_end())
            {
                ended.borrow_mut().insert(order_id.clone(), status);
            }
        }
        if round.get() < ROUNDS_OF_KILLING * orders / ORDERS {
            kill_another();
        }
        // On AWS a schedule does it every minute.
        invoke(aws.deployment, &storefront.outputs["SweeperFunctionName"], "{}");
        orders - ended.borrow().len()
    };
    let patience = onecommit_testing::Patience {
        at_most: Duration::from_secs(600 + 4 * orders as u64),
        between_looks: Duration::from_millis(500),
    };
    eventually_within(patience, "the end of every saga", look, |open| *open == 0).await;
    let (killed, ended) = (killed.get(), ended.into_inner());
    assert!(killed > 0, "functions were killed");
    let completed = storefront.must_hold_for(&ended).await;
    assert!(
        completed > 0 && completed < orders,
        "{completed} of {orders} orders ended well"
    );
    eprintln!(
        "{orders} orders: {completed} confirmed, {} taken back; {killed} processes killed",
        orders - completed
    );
}

impl Storefront {
    /// What must hold for orders whose sagas have ended so. Gives how many of them ended well.
    pub(super) async fn must_hold_for(&self, ended: &HashMap<String, Status>) -> usize {
        let mut bought: BTreeMap<String, i64> = self.stock.keys().map(|sku| (sku.clone(), 0)).collect();
        for (order_id, ended) in ended {
            let (order, paid) = (self.order(order_id), self.at_the_provider(order_id));
            let status = order["status"].as_str().unwrap();
            match ended {
                Status::Completed => {
                    assert_eq!((status, paid.as_deref()), ("confirmed", Some("captured")), "{order_id}");
                    for item in order["items"].as_array().unwrap() {
                        *bought.get_mut(item["sku"].as_str().unwrap()).unwrap() += item["quantity"].as_i64().unwrap();
                    }
                }
                Status::Compensated => {
                    assert_eq!(status, "cancelled", "{order_id}");
                    assert_ne!(
                        paid.as_deref(),
                        Some("captured"),
                        "{order_id} is not to be, and paid for"
                    );
                }
                other => panic!("{order_id} ended as {other:?}"),
            }
        }
        for (sku, start) in &self.stock {
            let settled = async || self.stock_of(sku);
            let [_, available, ..] = eventually("no stock to be held", settled, |[_, _, held, _]| *held == 0).await;
            assert_eq!(
                self.stock_of(sku),
                [*start, start - bought[sku], 0, bought[sku]],
                "{sku}"
            );
            assert!(available >= 0);
        }
        ended.values().filter(|status| **status == Status::Completed).count()
    }
}
