//! The catalog: products through its API, reservations over the topic.

use onecommit_event::Event;
use onecommit_testing::an_event;
use serde_json::{Value, json};
use storefront_catalog::{ReleaseInventory, ReserveInventory, ReservedItem};
use storefront_money::Currency;

use crate::api::{Answer, request};
use crate::aws::Aws;
use crate::events::unique;
use crate::patience::eventually_some;

/// A product of a case's own, at 12.50 euros.
struct Product<'a> {
    aws: &'a Aws,
    sku: String,
}

impl<'a> Product<'a> {
    fn with_stock(aws: &'a Aws, quantity: u32) -> Self {
        let product = Self {
            aws,
            sku: unique("sku"),
        };
        let described = json!({"name": "Red teapot", "category": "teapots",
                               "price": {"minorUnits": 1250, "currency": "EUR"}, "description": "Holds a litre."});
        assert_eq!(product.ask("PUT", "", Some(described)).status, 200);
        // A delivery whose answer was lost is told again.
        let delivery = json!({"additionId": "delivery-1", "quantity": quantity});
        for _ in 0..2 {
            assert_eq!(product.ask("POST", "/stock", Some(delivery.clone())).status, 200);
        }
        product
    }

    fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let base = self.aws.deployment.output("CatalogApiUrl");
        request(
            method,
            &format!("{base}/catalog/products/{}{path}", self.sku),
            body.as_ref(),
        )
    }

    /// Start, available, held and confirmed.
    fn stock(&self) -> [i64; 4] {
        let answer = self.ask("GET", "/stock", None);
        assert_eq!(answer.status, 200, "{answer:?}");
        ["start", "available", "held", "confirmed"].map(|name| answer.body[name].as_i64().unwrap())
    }
}

fn reserve(order_id: &str, product: &Product<'_>, quantity: u32) -> Event {
    let item = ReservedItem {
        sku: product.sku.clone(),
        quantity,
        unit_price_minor: 1_250,
    };
    let command = ReserveInventory {
        order_id: order_id.to_owned(),
        items: vec![item],
        currency: Currency::new("EUR").unwrap(),
    };
    an_event("OrderSaga", order_id, command)
}

fn release(order_id: &str) -> Event {
    let order_id = order_id.to_owned();
    an_event("OrderSaga", &order_id.clone(), ReleaseInventory { order_id })
}

/// Sends a command over the topic and waits for the event that answers it, as it leaves for everybody.
async fn answer_to(aws: &Aws, queue_url: &str, command: &Event) -> Event {
    aws.publish_from_store(command).await;
    let awaited = format!("the answer to {} {}", command.event_type(), command.id());
    let answers = async || {
        let bodies = aws.take_some(queue_url).await;
        let mut events = bodies.iter().map(|body| Event::from_json(body).unwrap());
        events.find(|event| event.metadata().causation_id == command.id().to_string())
    };
    eventually_some(&awaited, answers).await
}

fn payload(event: &Event) -> Value {
    serde_json::from_str(event.payload().get()).unwrap()
}

pub(super) async fn a_reservation_holds_stock_is_answered_to_everybody_and_gives_it_back() {
    let aws = Aws::connect();
    let queue_url = aws.queue_behind_fifo_topic().await;
    let product = Product::with_stock(&aws, 5);
    let order_id = unique("ord");

    let reserved = answer_to(&aws, &queue_url, &reserve(&order_id, &product, 3)).await;
    assert_eq!(reserved.event_type(), "InventoryReserved");
    assert_eq!(reserved.aggregate().to_string(), format!("Reservation#{order_id}"));
    assert_eq!(payload(&reserved)["orderId"], json!(order_id));
    assert_eq!(product.stock(), [5, 2, 3, 0]);

    let other_order = unique("ord");
    let refused = answer_to(&aws, &queue_url, &reserve(&other_order, &product, 3)).await;
    let expected = json!({"orderId": other_order, "reason": "outOfStock", "sku": product.sku});
    assert_eq!(
        (refused.event_type(), payload(&refused)),
        ("InventoryRefused", expected)
    );
    assert_eq!(product.stock(), [5, 2, 3, 0]);

    let released = answer_to(&aws, &queue_url, &release(&order_id)).await;
    assert_eq!(released.event_type(), "InventoryReleased");
    assert_eq!(released.metadata().sequence, Some(2));
    assert_eq!(product.stock(), [5, 5, 0, 0]);
}

pub(super) async fn a_command_that_contradicts_an_earlier_one_is_parked_with_its_reason() {
    let aws = Aws::connect();
    let queue_url = aws.queue_behind_fifo_topic().await;
    let product = Product::with_stock(&aws, 5);
    let order_id = unique("ord");
    answer_to(&aws, &queue_url, &reserve(&order_id, &product, 3)).await;
    let contradicting = reserve(&order_id, &product, 4);
    aws.publish_from_store(&contradicting).await;
    let dead_letters = aws.deployment.output("CatalogDlqUrl");
    let parked = async || {
        let bodies = aws.take_some(dead_letters).await;
        bodies
            .into_iter()
            .find(|body| body.contains(&contradicting.id().to_string()))
    };
    eventually_some("the command in the dead-letter queue", parked).await;
    assert_eq!(product.stock(), [5, 2, 3, 0]);
}

pub(super) async fn products_are_listed_and_what_is_wrong_with_a_request_is_said_in_json() {
    let aws = Aws::connect();
    let base = aws.deployment.output("CatalogApiUrl");
    let category = unique("cups and mugs");
    let skus = [unique("sku-a"), unique("sku-b"), unique("sku-c")];
    for sku in &skus {
        let cup = json!({"name": "Cup", "category": category, "price": {"minorUnits": 450, "currency": "EUR"}});
        let answer = request("PUT", &format!("{base}/catalog/products/{sku}"), Some(&cup));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let listed = format!(
        "{base}/catalog/products?limit=2&category={}",
        category.replace(' ', "%20")
    );
    let first = async || {
        let answer = request("GET", &listed, None);
        (answer.body["products"].as_array().map(Vec::len) == Some(2) && answer.body["next"] == json!(skus[1]))
            .then_some(answer)
    };
    eventually_some("the first page", first).await;
    let rest = request("GET", &format!("{listed}&after={}", skus[1]), None);
    assert_eq!(rest.body["products"][0]["sku"], json!(skus[2]), "{rest:?}");
    let free = json!({"minorUnits": -1, "currency": "EUR"});
    for (method, path, body, status, code) in [
        ("GET", "/catalog/products/no-such", None, 404, "unknownProduct"),
        ("GET", "/catalog/nothing", None, 404, "notFound"),
        ("POST", "/catalog/products/no-such", None, 405, "methodNotAllowed"),
        ("PUT", "/catalog/products/cup/price", Some(&free), 422, "invalidBody"),
    ] {
        let answer = request(method, &format!("{base}{path}"), body);
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (status, &json!(code)),
            "{answer:?}"
        );
    }
}

pub(super) async fn a_schedule_that_finds_nothing_to_expire_says_so() {
    let aws = Aws::connect();
    let function = aws.deployment.output("CatalogFunctionName");
    let url = format!(
        "{}/2015-03-31/functions/{function}/invocations",
        aws.deployment.endpoint
    );
    let answer = request("POST", &url, Some(&json!({"task": "expireReservations"})));
    assert_eq!(answer.body, json!({"expired": 0, "failed": 0, "complete": true}));
}
