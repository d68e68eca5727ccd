//! Orders through their API, their commands over the topic, and what is recommended because of them.

use onecommit_event::Event;
use onecommit_testing::an_event;
use serde_json::{Value, json};
use storefront_money::{Currency, Money};
use storefront_orders::{ConfirmOrder, CreateOrder, Line};

use crate::api::{Answer, request};
use crate::aws::Aws;
use crate::events::unique;
use crate::patience::eventually_some;
use crate::replies::Replies;

fn ask(aws: &Aws, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let base = aws.deployment.output("OrdersApiUrl");
    request(method, &format!("{base}{path}"), body)
}

fn order(order_id: &str, sku: &str) -> Value {
    json!({
        "orderId": order_id, "customerId": unique("cus"), "currency": "EUR", "paymentMethod": "card",
        "items": [{"sku": sku, "quantity": 2, "unitPriceMinor": 1_250}],
    })
}

pub(super) async fn an_order_is_taken_once_and_everybody_hears_of_it() {
    let (aws, order_id) = (Aws::connect(), unique("ord"));
    let replies = Replies::from_now_on(&aws).await;
    let wanted = order(&order_id, &unique("sku"));
    let taken = ask(&aws, "POST", "/orders", Some(&wanted));
    let answer = json!({"orderId": order_id, "total": {"minorUnits": 2_500, "currency": "EUR"}});
    assert_eq!((taken.status, &taken.body), (202, &answer));
    let again = ask(&aws, "POST", "/orders", Some(&wanted));
    assert_eq!((again.status, &again.body), (200, &answer));
    let mut other = wanted.clone();
    other["items"][0]["quantity"] = json!(3);
    let refused = ask(&aws, "POST", "/orders", Some(&other));
    assert_eq!((refused.status, &refused.body["error"]), (409, &json!("orderIdTaken")));
    let is_request = |event: &Event| event.aggregate().to_string() == format!("OrderRequest#{order_id}");
    let request = replies.first("the order's request", is_request).await;
    assert_eq!(
        (request.event_type(), request.metadata().sequence),
        ("OrderRequested", Some(1))
    );
    let shown = ask(&aws, "GET", &format!("/orders/{order_id}"), None);
    assert_eq!((shown.status, &shown.body["customerId"]), (200, &wanted["customerId"]));
    let history = ask(&aws, "GET", &format!("/orders/{order_id}/events"), None);
    let requests = history.body["events"].as_array().unwrap().iter();
    let requests = requests.filter(|event| event["eventType"] == json!("OrderRequested"));
    assert_eq!(requests.count(), 1, "{history:?}");
}

pub(super) async fn everything_that_is_wrong_with_an_order_is_said_at_once() {
    let aws = Aws::connect();
    let wrong = json!({
        "orderId": "no spaces", "currency": "XYZ", "paymentMethod": "card",
        "items": [{"sku": "A", "quantity": 0, "unitPriceMinor": -1}],
    });
    let refused = ask(&aws, "POST", "/orders", Some(&wrong));
    assert_eq!((refused.status, &refused.body["error"]), (422, &json!("invalidOrder")));
    let problems = refused.body["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 5, "{refused:?}");
    for (method, path, body, status, code) in [
        ("POST", "/orders", Some(json!("a teapot")), 422, "invalidBody"),
        ("GET", "/orders/no-such", None, 404, "unknownOrder"),
        ("GET", "/orders/no-such/events", None, 404, "unknownOrder"),
        ("POST", "/orders/no-such/delivery", None, 404, "unknownOrder"),
        (
            "POST",
            "/orders/no-such/cancellation",
            Some(json!({"reason": "no"})),
            404,
            "unknownOrder",
        ),
    ] {
        let answer = ask(&aws, method, path, body.as_ref());
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (status, &json!(code)),
            "{answer:?}"
        );
    }
}

fn create(order_id: &str, skus: &[&str]) -> Event {
    create_for(&unique("cus"), order_id, skus)
}

fn create_for(customer_id: &str, order_id: &str, skus: &[&str]) -> Event {
    let line = |sku: &&str| Line {
        sku: (*sku).to_owned(),
        quantity: 1,
        unit_price_minor: 1_250,
    };
    let items: Vec<Line> = skus.iter().map(line).collect();
    let total = 1_250 * i64::try_from(items.len()).unwrap();
    let command = CreateOrder {
        order_id: order_id.to_owned(),
        customer_id: customer_id.to_owned(),
        items,
        total: Money::new(total, Currency::new("EUR").unwrap()),
    };
    an_event("OrderSaga", order_id, command)
}

fn confirm(order_id: &str) -> Event {
    let command = ConfirmOrder {
        order_id: order_id.to_owned(),
    };
    an_event("OrderSaga", order_id, command)
}

pub(super) async fn commands_over_the_topic_are_answered_and_an_order_goes_to_its_customer() {
    let (aws, order_id) = (Aws::connect(), unique("ord"));
    let replies = Replies::from_now_on(&aws).await;
    for (command, answer) in [
        (create(&order_id, &["TEAPOT"]), "OrderCreated"),
        (confirm(&order_id), "OrderConfirmed"),
        (confirm(&order_id), "OrderUnchanged"),
    ] {
        aws.publish_from_store(&command).await;
        assert_eq!(replies.to(&command).await.event_type(), answer);
    }
    let path = |what: &str| format!("/orders/{order_id}{what}");
    let reason = json!({"reason": "changed my mind"});
    let late = ask(&aws, "POST", &path("/cancellation"), Some(&reason));
    assert_eq!((late.status, &late.body["error"]), (409, &json!("orderConfirmed")));
    let shipment = json!({"carrier": "DHL", "trackingId": "JD-1"});
    let shipped = ask(&aws, "POST", &path("/shipment"), Some(&shipment));
    assert_eq!(
        (shipped.status, &shipped.body["status"]),
        (200, &json!("shipped")),
        "{shipped:?}"
    );
    let delivered = ask(&aws, "POST", &path("/delivery"), None);
    assert_eq!(
        (delivered.status, &delivered.body["status"]),
        (200, &json!("delivered"))
    );
}

pub(super) async fn what_was_ordered_together_is_recommended() {
    let aws = Aws::connect();
    let (teapot, cup, order_id) = (unique("teapot"), unique("cup"), unique("ord"));
    aws.publish_from_store(&create(&order_id, &[&teapot, &cup])).await;
    let base = aws.deployment.output("RecommendationsApiUrl");
    let recommended = async || {
        let answer = request("GET", &format!("{base}/recommendations/{teapot}?limit=3"), None);
        assert_eq!(answer.status, 200, "{answer:?}");
        (answer.body["recommendations"] == json!([{"sku": cup, "orders": 1}])).then_some(())
    };
    eventually_some("the cup to be recommended with the teapot", recommended).await;
}

/// A page of `GET /orders`.
fn list(aws: &Aws, query: &str) -> Value {
    let page = ask(aws, "GET", &format!("/orders?{query}"), None);
    assert_eq!(page.status, 200, "{page:?}");
    page.body
}

pub(super) async fn what_customers_ordered_is_listed_added_up_and_leads_to_offers() {
    let aws = Aws::connect();
    let (teapot, cup, spoon) = (unique("teapot"), unique("cup"), unique("spoon"));
    let (customer, other) = (unique("cus"), unique("cus"));
    let orders = [unique("ord"), unique("ord"), unique("ord")];
    for (order_id, customer, skus) in [
        (&orders[0], &other, vec![&teapot, &cup, &spoon]),
        (&orders[1], &customer, vec![&teapot]),
        (&orders[2], &customer, vec![&teapot, &cup]),
    ] {
        let skus: Vec<&str> = skus.into_iter().map(String::as_str).collect();
        aws.publish_from_store(&create_for(customer, order_id, &skus)).await;
        let placed = async || {
            let shown = ask(&aws, "GET", &format!("/orders/{order_id}"), None);
            (shown.status == 200 && shown.body["status"] == "created").then_some(())
        };
        eventually_some("the order to be placed", placed).await;
    }
    aws.publish_from_store(&confirm(&orders[1])).await;
    let query = format!("customerId={customer}");
    let spent = json!([{"minorUnits": 1_250, "currency": "EUR"}]);
    let totals = json!({"orders": 2, "pending": 1, "spent": spent});
    let all = async || Some(list(&aws, &query)).filter(|page| page["totals"] == totals);
    let page = eventually_some("the customer's sums", all).await;
    let ids = |page: &Value| -> Vec<Value> {
        let orders = page["orders"].as_array().unwrap().iter();
        orders.map(|order| order["orderId"].clone()).collect()
    };
    assert_eq!(ids(&page), [orders[2].as_str(), orders[1].as_str()]);
    assert_eq!(page["orders"][0]["itemCount"], 2);
    let confirmed = async || {
        let page = list(&aws, &format!("{query}&status=confirmed"));
        (ids(&page) == [orders[1].as_str()]).then_some(())
    };
    eventually_some("the confirmed order", confirmed).await;
    let first = list(&aws, &format!("{query}&limit=1"));
    let next = first["next"].as_str().unwrap();
    let second = list(&aws, &format!("{query}&limit=1&after={next}"));
    assert_eq!((ids(&second), second.get("next")), (vec![json!(orders[1])], None));
    assert_eq!(second["totals"], totals);
    let with_cup = async || (ids(&list(&aws, &format!("sku={cup}"))).len() == 2).then_some(());
    eventually_some("the orders of the cup", with_cup).await;
    let base = aws.deployment.output("RecommendationsApiUrl");
    let offered = async || {
        let answer = request("GET", &format!("{base}/recommendations?customerId={customer}"), None);
        assert_eq!(answer.status, 200, "{answer:?}");
        // With the teapot and with the cup, each in the other customer's order.
        (answer.body["recommendations"] == json!([{"sku": spoon, "orders": 2}])).then_some(())
    };
    eventually_some("the spoon to be offered", offered).await;
}
