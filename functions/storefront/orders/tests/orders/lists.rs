//! Lists of orders, of a customer and of a product.

use std::sync::LazyLock;

use onecommit_engine::{DatabaseError, TransientKind};
use onecommit_environment::{Environment, Timestamp};
use onecommit_event::{Event, Metadata, Payload};
use onecommit_testing::a_typed_event;
use onecommit_views::ViewName;
use serde_json::{Value, json};
use storefront_money::{Currency, Money};
use storefront_orders::views::CustomerStatsView;
use storefront_orders::{Line, OrderCancelled, OrderConfirmed, OrderCreated};

use crate::context::Context;

/// Yesterday: the ledger refuses what is too old.
static START: LazyLock<Timestamp> = LazyLock::new(|| {
    let now = Environment::system().clock().now();
    Timestamp::from_unix_ms(now.unix_ms() - 24 * 3_600_000)
});

/// An event of the order at its place in the stream. Orders of higher numbers are newer.
fn of_order<P: Payload>(number: usize, sequence: u64, payload: P) -> Event {
    let metadata = Metadata {
        sequence: Some(sequence),
        ..Metadata::starting("test")
    };
    let event = a_typed_event("Order", &order_id(number), payload).with_metadata(metadata);
    let moment = START.unix_ms() + i64::try_from(number).unwrap() * 60_000 + i64::try_from(sequence).unwrap();
    event
        .with_timestamp(Timestamp::from_unix_ms(moment))
        .into_raw()
        .unwrap()
}

fn order_id(number: usize) -> String {
    format!("ord_{number:04}")
}

fn placed(number: usize) -> Event {
    let line = Line {
        sku: "CUP".into(),
        quantity: 3,
        unit_price_minor: 100,
    };
    let created = OrderCreated {
        customer_id: "cus_7".into(),
        items: vec![line],
        total: Money::new(300, Currency::new("EUR").unwrap()),
    };
    of_order(number, 1, created)
}

fn confirmed(number: usize) -> Event {
    of_order(number, 2, OrderConfirmed {})
}

fn cancelled(number: usize) -> Event {
    of_order(number, 2, OrderCancelled { reason: "no".into() })
}

/// The ids on each page, until there is no next one.
async fn pages(context: &Context, query: &str) -> Vec<Vec<String>> {
    let (mut pages, mut after) = (Vec::new(), String::new());
    loop {
        let page = context.get(&format!("/orders?{query}{after}")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let orders = page.body["orders"].as_array().unwrap().iter();
        pages.push(
            orders
                .map(|order| order["orderId"].as_str().unwrap().to_owned())
                .collect(),
        );
        match page.body["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn a_customers_orders_are_listed_with_sums_over_all_of_them() {
    let context = Context::new();
    let events = [placed(1), placed(2), placed(3), confirmed(1), cancelled(2)];
    context.hear(&events).await;
    let page = context.get("/orders?customerId=cus_7&limit=2").await;
    assert_eq!(page.status, 200, "{}", page.body);
    let total = json!({"minorUnits": 300, "currency": "EUR"});
    let order = |number, status: &str, changed: &Event| {
        json!({
            "orderId": order_id(number), "status": status, "total": total, "itemCount": 3,
            "createdAt": placed(number).timestamp().to_string(), "changedAt": changed.timestamp().to_string(),
        })
    };
    let third = placed(3);
    assert_eq!(
        page.body["orders"],
        json!([order(3, "created", &third), order(2, "cancelled", &events[4])])
    );
    assert_eq!(
        page.body["totals"],
        json!({"orders": 3, "pending": 1, "spent": [total]})
    );
    let next = page.body["next"].as_str().unwrap();
    let rest = context
        .get(&format!("/orders?customerId=cus_7&limit=2&after={next}"))
        .await
        .body;
    assert_eq!(rest["orders"], json!([order(1, "confirmed", &events[3])]));
    assert_eq!(rest["totals"]["orders"], 3);
    assert_eq!((rest.get("next"), rest.get("incomplete")), (None, None));
}

#[tokio::test]
async fn a_page_costs_three_requests() {
    let context = Context::new();
    let events: Vec<Event> = (0..120).map(placed).collect();
    context.hear(&events).await;
    context.get("/orders?customerId=cus_7").await;
    for limit in [1, 20, 100] {
        let before = context.database.requests();
        let page = context
            .get(&format!("/orders?customerId=cus_7&limit={limit}"))
            .await
            .body;
        assert_eq!(page["orders"].as_array().unwrap().len(), limit);
        assert_eq!(context.database.requests() - before, 3, "{limit}");
    }
}

#[tokio::test]
async fn a_customer_without_orders_has_an_empty_list_and_nothing_spent() {
    let body = Context::new().get("/orders?customerId=cus_9").await.body;
    let nothing = json!({"orders": 0, "pending": 0, "spent": []});
    assert_eq!(body, json!({"orders": [], "totals": nothing}));
}

#[tokio::test]
async fn the_last_page_is_never_empty() {
    let context = Context::new();
    context.hear(&[placed(1), placed(2), placed(3), placed(4)]).await;
    for query in ["customerId=cus_7", "sku=CUP"] {
        let sizes = |pages: Vec<Vec<String>>| pages.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(pages(&context, &format!("{query}&limit=2")).await), [2, 2]);
        assert_eq!(sizes(pages(&context, &format!("{query}&limit=3")).await), [3, 1]);
        assert_eq!(sizes(pages(&context, query).await), [4]);
    }
}

#[tokio::test]
async fn orders_of_a_status_are_found_among_many() {
    let context = Context::new();
    let mut events: Vec<Event> = (0..250).map(placed).collect();
    events.extend([0, 120, 249].map(cancelled));
    context.hear(&events).await;
    let found = pages(&context, "customerId=cus_7&status=cancelled&limit=2").await;
    assert_eq!(found, [vec![order_id(249), order_id(120)], vec![order_id(0)]]);
    let found = pages(&context, "customerId=cus_7&status=cancelled&limit=3").await;
    assert_eq!(found.len(), 1, "there is no page behind the last order");
    assert_eq!(
        pages(&context, "customerId=cus_7&status=shipped").await,
        [Vec::<String>::new()]
    );
}

#[tokio::test]
async fn a_search_that_finds_too_little_says_so_and_goes_on() {
    let context = Context::new();
    let mut events: Vec<Event> = (0..620).map(placed).collect();
    events.extend([5, 619].map(cancelled));
    context.hear(&events).await;
    let before = context.database.requests();
    let page = context.get("/orders?customerId=cus_7&status=cancelled").await.body;
    // The control rows, five pages with their statuses, the sums.
    assert_eq!(context.database.requests() - before, 12);
    assert_eq!(
        (page["orders"].as_array().unwrap().len(), &page["incomplete"]),
        (1, &json!(true))
    );
    let next = page["next"].as_str().unwrap();
    let rest = context
        .get(&format!("/orders?customerId=cus_7&status=cancelled&after={next}"))
        .await
        .body;
    assert_eq!(rest["orders"][0]["orderId"], json!(order_id(5)));
    assert_eq!((rest.get("next"), rest.get("incomplete")), (None, None));
}

#[tokio::test]
async fn orders_of_a_product_have_its_quantity_and_where_they_are() {
    let context = Context::new();
    context.hear(&[placed(1), placed(2), confirmed(1)]).await;
    let order = |number, status: &str| {
        json!({
            "orderId": order_id(number), "customerId": "cus_7", "status": status, "quantity": 3,
            "createdAt": placed(number).timestamp().to_string(),
        })
    };
    let body = context.get("/orders?sku=CUP").await.body;
    assert_eq!(body, json!({"orders": [order(2, "created"), order(1, "confirmed")]}));
    assert_eq!(context.get("/orders?sku=POT").await.body, json!({"orders": []}));
}

#[tokio::test]
async fn an_invalid_query_is_refused_by_parameter() {
    let context = Context::new();
    let long = format!("customerId={}", "x".repeat(65));
    for (query, code) in [
        ("", "invalidFilter"),
        ("customerId=cus_7&sku=CUP", "invalidFilter"),
        ("customerId=", "invalidField"),
        (&long, "invalidField"),
        ("sku=a%0Ab", "invalidField"),
        ("customerId=cus_7&status=notPlaced", "invalidStatus"),
        ("customerId=cus_7&status=not%20placed", "invalidStatus"),
        ("customerId=cus_7&limit=0", "invalidLimit"),
        ("customerId=cus_7&limit=101", "invalidLimit"),
        ("customerId=cus_7&after=ord_1", "invalidAfter"),
    ] {
        let refused = context.get(&format!("/orders?{query}")).await;
        assert_eq!((refused.status, &refused.body["error"]), (400, &json!(code)), "{query}");
    }
    assert_eq!(context.get("/orders?customerId=cus_7&limit=many").await.status, 400);
    assert_eq!(context.database.requests(), 0);
}

#[tokio::test]
async fn a_view_that_is_not_built_yet_and_a_database_without_an_answer_are_503() {
    let context = Context::new();
    let stats = ViewName::new(CustomerStatsView::NAME).unwrap();
    context.control.announce(&stats).await.unwrap();
    let early = context.get("/orders?customerId=cus_7").await;
    assert_eq!((early.status, &early.body["error"]), (503, &json!("unavailable")));
    let context = Context::new();
    assert_eq!(
        context.get("/orders?customerId=cus_7").await.body.get("error"),
        None::<&Value>
    );
    context
        .database
        .fail_next(DatabaseError::Transient(TransientKind::Unavailable, "no answer".into()));
    assert_eq!(context.get("/orders?customerId=cus_7").await.status, 503);
}
