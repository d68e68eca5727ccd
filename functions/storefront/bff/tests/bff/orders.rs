use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::kit::{Behaviour, Fixture, asked};

fn stocked() -> Fixture {
    let fixture = Fixture::new();
    fixture.product("TEAPOT", 1_250, true);
    fixture.product("CUP", 400, true);
    fixture.product("KETTLE", 3_000, false);
    fixture
}

fn order_of(items: Value) -> Value {
    json!({"items": items, "paymentMethod": "card"})
}

fn two_teapots() -> Value {
    order_of(json!([{"sku": "TEAPOT", "quantity": 2}]))
}

#[tokio::test(start_paused = true)]
async fn an_order_costs_what_the_catalog_says() {
    let fixture = stocked();
    let wanted = order_of(json!([{"sku": "TEAPOT", "quantity": 2}, {"sku": "CUP", "quantity": 1}]));
    let answer = fixture.place("ada", "key-1", &wanted).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let placed = answer.json();
    assert_eq!(placed["total"], json!({"minorUnits": 2_900, "currency": "EUR"}));
    let id = placed["orderId"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/orders/{id}"));
    let shown = fixture.get(&format!("/orders/{id}"), "ada").await;
    assert_eq!((shown.status, &shown.json()["customerId"]), (200, &json!("ada")));
    assert_eq!(shown.json()["status"], "requested");
}

#[tokio::test(start_paused = true)]
async fn the_same_key_again_is_the_same_order() {
    let fixture = stocked();
    let first = fixture.place("ada", "key-1", &two_teapots()).await;
    let again = fixture.place("ada", "key-1", &two_teapots()).await;
    assert_eq!((first.status, again.status), (202, 200));
    assert_eq!(first.json(), again.json());
    // Whatever became of the price, the stock or the catalog since.
    fixture.product("TEAPOT", 9_999, true);
    assert_eq!(fixture.place("ada", "key-1", &two_teapots()).await.json(), first.json());
    fixture.product("TEAPOT", 1_250, false);
    assert_eq!(fixture.place("ada", "key-1", &two_teapots()).await.json(), first.json());
    fixture.set("catalog", Behaviour::Down);
    let again = fixture.place("ada", "key-1", &two_teapots()).await;
    assert_eq!((again.status, again.json()), (200, first.json()));
    assert_eq!(fixture.shop.lock().unwrap().orders.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_of_two_people_names_two_orders() {
    let fixture = stocked();
    let ada = fixture.place("ada", "key-1", &two_teapots()).await;
    let grace = fixture.place("grace", "key-1", &two_teapots()).await;
    assert_eq!((ada.status, grace.status), (202, 202));
    assert_ne!(ada.json()["orderId"], grace.json()["orderId"]);
}

#[tokio::test(start_paused = true)]
async fn another_order_under_the_same_key_is_refused() {
    let fixture = stocked();
    fixture.place("ada", "key-1", &two_teapots()).await;
    for other in [
        order_of(json!([{"sku": "TEAPOT", "quantity": 3}])),
        order_of(json!([{"sku": "CUP", "quantity": 2}])),
        json!({"items": [{"sku": "TEAPOT", "quantity": 2}], "paymentMethod": "invoice"}),
        // It would be out of stock, too; but that is not what is wrong with it.
        order_of(json!([{"sku": "KETTLE", "quantity": 1}])),
    ] {
        let answer = fixture.place("ada", "key-1", &other).await;
        assert_eq!(
            (answer.status, &*answer.code()),
            (422, "idempotencyKeyReused"),
            "{other}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_ordered_is_refused_by_name() {
    let fixture = stocked();
    let many: Vec<Value> = (0..51)
        .map(|number| json!({"sku": format!("S-{number}"), "quantity": 1}))
        .collect();
    for (wanted, status, code, field) in [
        (
            order_of(json!([{"sku": "KETTLE", "quantity": 1}])),
            409,
            "outOfStock",
            "items[0].sku",
        ),
        (
            order_of(json!([{"sku": "TEAPOT", "quantity": 1}, {"sku": "NONE", "quantity": 1}])),
            422,
            "unknownProduct",
            "items[1].sku",
        ),
        (order_of(json!([])), 422, "invalidOrder", "items"),
        (order_of(json!(many)), 422, "invalidOrder", "items"),
        (
            order_of(json!([{"sku": "TEAPOT", "quantity": 0}])),
            422,
            "invalidOrder",
            "items[0].quantity",
        ),
        (
            order_of(json!([{"sku": "TEAPOT", "quantity": 1_000_001}])),
            422,
            "invalidOrder",
            "items[0].quantity",
        ),
        (
            order_of(json!([{"sku": "TEAPOT", "quantity": -1}])),
            422,
            "invalidBody",
            "items[0].quantity",
        ),
        (
            order_of(json!([{"sku": "TEAPOT", "quantity": 1.5}])),
            422,
            "invalidBody",
            "items[0].quantity",
        ),
        (
            order_of(json!([{"sku": "a,b", "quantity": 1}])),
            422,
            "invalidOrder",
            "items[0].sku",
        ),
        (
            order_of(json!([{"sku": "CUP", "quantity": 1}, {"sku": "CUP", "quantity": 1}])),
            422,
            "invalidOrder",
            "items[1].sku",
        ),
        (
            json!({"items": [{"sku": "CUP", "quantity": 1}], "paymentMethod": ""}),
            422,
            "invalidOrder",
            "paymentMethod",
        ),
        // The price is not the client's to say, nor whose order it is.
        (
            order_of(json!([{"sku": "CUP", "quantity": 1, "unitPriceMinor": 1}])),
            422,
            "invalidBody",
            "items[0]",
        ),
        (
            json!({"items": [], "paymentMethod": "card", "customerId": "grace"}),
            422,
            "invalidBody",
            "customerId",
        ),
        (json!([]), 422, "invalidBody", ""),
    ] {
        let answer = fixture.place("ada", "key-2", &wanted).await;
        assert_eq!((answer.status, &*answer.code()), (status, code), "{wanted} {answer:?}");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(field), "{message}");
    }
    assert!(fixture.shop.lock().unwrap().orders.is_empty());
}

#[tokio::test(start_paused = true)]
async fn products_in_two_currencies_are_two_orders() {
    let fixture = stocked();
    fixture.shop.lock().unwrap().products.get_mut("CUP").unwrap()["price"]["currency"] = "JPY".into();
    let wanted = order_of(json!([{"sku": "TEAPOT", "quantity": 1}, {"sku": "CUP", "quantity": 1}]));
    let answer = fixture.place("ada", "key-1", &wanted).await;
    assert_eq!((answer.status, &*answer.code()), (422, "invalidOrder"));
}

#[tokio::test(start_paused = true)]
async fn a_request_without_one_sound_key_is_refused() {
    let fixture = stocked();
    let bearer = fixture.bearer("ada");
    let json = ("content-type", "application/json");
    let authorization = ("authorization", &*bearer);
    let long = "k".repeat(256);
    for keys in [&[][..], &[""], &["a", "b"], &["a b"], &[&*long]] {
        let keys = keys.iter().map(|key| ("idempotency-key", *key));
        let headers: Vec<(&str, &str)> = [json, authorization].into_iter().chain(keys).collect();
        let answer = fixture
            .send(asked(Method::POST, "/orders", &headers, &two_teapots().to_string()))
            .await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.code().ends_with("IdempotencyKey"));
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_that_are_no_order_are_refused() {
    let fixture = stocked();
    let bearer = fixture.bearer("ada");
    let large = format!("{{\"items\": [], \"paymentMethod\": \"{}\"}}", "x".repeat(70_000));
    for (kind, body, status) in [
        ("application/json", "{", 400),
        ("application/json", "\u{0}", 400),
        (
            "application/json",
            "{\"items\": [], \"items\": [], \"paymentMethod\": \"card\"}",
            422,
        ),
        ("application/json", &*large, 413),
        ("text/plain", "{}", 415),
        ("application/x-www-form-urlencoded", "items=1", 415),
        ("", "{}", 415),
    ] {
        let headers = [
            ("authorization", &*bearer),
            ("idempotency-key", "k"),
            ("content-type", kind),
        ];
        let answer = fixture.send(asked(Method::POST, "/orders", &headers, body)).await;
        assert_eq!(answer.status, status, "{kind} {answer:?}");
        answer.code();
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_answer_is_503_and_nothing_is_placed_twice() {
    for (service, fault) in [
        ("catalog", Behaviour::Down),
        ("catalog", Behaviour::Hangs),
        (
            "catalog",
            Behaviour::Answers(StatusCode::OK, "application/json", "{}".to_owned()),
        ),
        ("orders", Behaviour::Down),
        ("orders", Behaviour::Hangs),
        (
            "orders",
            Behaviour::Answers(StatusCode::OK, "text/html", "<p>".to_owned()),
        ),
    ] {
        let fixture = stocked();
        fixture.set(service, fault.clone());
        let answer = fixture.place("ada", "key-1", &two_teapots()).await;
        assert_eq!(
            (answer.status, &*answer.code()),
            (503, "unavailable"),
            "{service} {fault:?}"
        );
        fixture.shop.lock().unwrap().behaviours.clear();
        let bff = Fixture {
            shop: fixture.shop.clone(),
            ..fixture
        };
        assert!(bff.shop.lock().unwrap().orders.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn anothers_order_is_as_unknown_as_none() {
    let fixture = stocked();
    fixture.order("ord_1", "ada", "confirmed", 2);
    let own = fixture.get("/orders/ord_1", "ada").await;
    assert_eq!(own.status, 200);
    let anothers = fixture.get("/orders/ord_1", "grace").await;
    let none = fixture.get("/orders/ord_2", "grace").await;
    assert_eq!((anothers.status, none.status), (404, 404));
    assert_eq!(anothers.json()["error"], none.json()["error"]);
    assert_eq!(anothers.json()["message"], none.json()["message"]);
    assert_eq!(fixture.get("/orders/ord_1/updates", "grace").await.status, 404);
    for path in [
        "/orders/..%2Fusers%2Fada",
        "/orders/%00",
        "/orders/a%20b",
        &format!("/orders/{}", "x".repeat(65)),
    ] {
        assert_eq!(fixture.get(path, "ada").await.status, 404, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_says_how_far_its_saga_has_got() {
    let fixture = stocked();
    for (status, saga) in [
        ("requested", "running"),
        ("created", "running"),
        ("confirmed", "committed"),
        ("shipped", "committed"),
        ("delivered", "committed"),
        ("cancelled", "compensated"),
        ("refused", "compensated"),
    ] {
        fixture.order("ord_1", "ada", status, 1);
        let order = fixture.get("/orders/ord_1", "ada").await.json();
        assert_eq!((&order["status"], &order["saga"]), (&json!(status), &json!(saga)));
    }
}
