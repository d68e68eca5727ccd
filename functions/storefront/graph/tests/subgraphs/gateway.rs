//! One query over all three subgraphs, and one of them taken away.

use serde_json::{Value, json};

use crate::kit::{Front, Shop, errors};

const QUERY: &str = "{
    me { displayName orders(first: 2) { nodes {
        id status
        items { quantity product { name price { minorUnits currency } } }
        customer { displayName }
    } } }
    product(id: \"CUP\") { name orders(first: 5) { nodes { id } } }
}";

fn item(quantity: u32, name: Option<(&str, i64)>) -> Value {
    let product =
        name.map(|(name, minor_units)| json!({"name": name, "price": {"minorUnits": minor_units, "currency": "EUR"}}));
    json!({"quantity": quantity, "product": product})
}

fn expected() -> Value {
    let (cup, teapot) = (Some(("The CUP", 400)), Some(("The TEAPOT", 1_250)));
    let customer = json!({"displayName": "Ada"});
    let orders = json!([
        {"id": "ord_4", "status": "CREATED", "items": [item(2, teapot), item(2, None)], "customer": customer},
        {"id": "ord_2", "status": "CONFIRMED", "items": [item(2, cup), item(2, teapot)], "customer": customer},
    ]);
    json!({
        "me": {"displayName": "Ada", "orders": {"nodes": orders}},
        "product": {"name": "The CUP", "orders": {"nodes": [{"id": "ord_2"}, {"id": "ord_1"}]}},
    })
}

/// A product that an order has and the catalog does not.
fn gone() -> (String, String) {
    let place = r#"["me","orders","nodes",0,"items",1,"product","name"]"#;
    ("INVALID_VALUE".to_owned(), place.to_owned())
}

#[tokio::test]
async fn one_query_over_all_three_takes_three_rounds() {
    let shop = Shop::open().await;
    let front = Front::of(&shop);
    let answer = front.query(QUERY, Some("ada")).await;
    assert_eq!(errors(&answer), [gone()], "{answer}");
    assert_eq!(answer["data"], expected());
    // Round 1: me, and the product. Round 2: the orders of both in one request. Round 3: the products of all orders in one,
    // and their customers in one.
    assert_eq!(front.asked(), [("catalog", 2), ("orders", 1), ("users", 2)]);
    let plan = front.gateway.plan(QUERY, None).unwrap();
    assert_eq!(plan.matches("Fetch(").count(), 5, "{plan}");
    let is_step = |line: &&str| line.starts_with("    ") && !line[4..].starts_with([' ', '}']);
    assert_eq!(plan.lines().filter(is_step).count(), 3, "{plan}");
}

#[tokio::test]
async fn an_unavailable_subgraph_nulls_its_fields_until_it_returns() {
    let shop = Shop::open().await;
    let front = Front::of(&shop);
    front.take_away("catalog");
    let answer = front.query(QUERY, Some("ada")).await;
    let mut without = expected();
    without["product"] = Value::Null;
    for order in without["me"]["orders"]["nodes"].as_array_mut().unwrap() {
        for item in order["items"].as_array_mut().unwrap() {
            item["product"] = Value::Null;
        }
    }
    assert_eq!(answer["data"], without);
    let failed = errors(&answer);
    assert!(failed.iter().all(|(code, _)| code == "SUBREQUEST_FAILED"), "{answer}");
    assert!(
        failed.contains(&("SUBREQUEST_FAILED".to_owned(), "[\"product\"]".to_owned())),
        "{answer}"
    );

    front.bring_back();
    front.take_away("orders");
    let answer = front.query(QUERY, Some("ada")).await;
    let without = json!({
        "me": {"displayName": "Ada", "orders": null},
        "product": {"name": "The CUP", "orders": null},
    });
    assert_eq!(answer["data"], without);
    assert_eq!(errors(&answer).len(), 2);

    front.bring_back();
    let answer = front.query(QUERY, Some("ada")).await;
    assert_eq!((errors(&answer), &answer["data"]), (vec![gone()], &expected()));
}

#[tokio::test]
async fn an_anonymous_viewer_sees_only_the_catalog() {
    let shop = Shop::open().await;
    let front = Front::of(&shop);
    let answer = front
        .query(
            "{ product(id: \"CUP\") { name orders { nodes { id } } } me { id } }",
            None,
        )
        .await;
    assert_eq!(
        answer["data"],
        json!({"product": {"name": "The CUP", "orders": null}, "me": null})
    );
    let mut failed = errors(&answer);
    failed.sort();
    let code = "UNAUTHENTICATED".to_owned();
    assert_eq!(
        failed,
        [
            (code.clone(), "[\"me\"]".to_owned()),
            (code, "[\"product\",\"orders\"]".to_owned())
        ]
    );
    let answer = front.query("{ order(id: \"ord_1\") { id } }", Some("grace")).await;
    assert_eq!(answer, json!({"data": {"order": null}}));
}
