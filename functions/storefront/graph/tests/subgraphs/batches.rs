//! What one request asks of many is loaded at once: requests to the tables are counted.

use serde_json::json;

use crate::kit::{Shop, errors};

/// The requests to the tables that a query needs, once the control rows of views are known.
async fn requests(shop: &Shop, subgraph: &str, query: &str) -> u64 {
    let before = shop.database.requests();
    let answer = shop.ask(subgraph, query, Some("ada")).await;
    assert_eq!(errors(&answer), [], "{answer}");
    shop.database.requests() - before
}

fn representations(kind: &str, ids: &[String]) -> String {
    let one = |id: &String| format!("{{__typename: \"{kind}\", id: \"{id}\"}}");
    ids.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn fifty_products_cost_one_load() {
    let shop = Shop::open().await;
    for number in 0..50 {
        shop.product(&format!("P{number}"), 100).await;
    }
    let ids: Vec<String> = (0..50).map(|number| format!("P{number}")).collect();
    let all = representations("Product", &ids);
    let query = format!("{{ _entities(representations: [{all}]) {{ ... on Product {{ name }} }} }}");
    assert_eq!(requests(&shop, "catalog", &query).await, 1);
    let named = ids.iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(", ");
    let query = format!("{{ products(ids: [{named}]) {{ id }} product(id: \"CUP\") {{ name }} }}");
    assert_eq!(requests(&shop, "catalog", &query).await, 1);
}

#[tokio::test]
async fn orders_are_one_load_of_their_events_and_one_of_their_summaries() {
    let shop = Shop::open().await;
    let ids: Vec<String> = ["ord_1", "ord_2", "ord_4"].map(str::to_owned).into();
    let all = representations("Order", &ids);
    let query =
        format!("{{ _entities(representations: [{all}]) {{ ... on Order {{ status items {{ quantity }} }} }} }}");
    let alone = "{ order(id: \"ord_1\") { status items { quantity } } }";
    let control = requests(&shop, "orders", alone).await - 2;
    assert_eq!(requests(&shop, "orders", &query).await, 2 + control);
}

#[tokio::test]
async fn the_orders_of_many_products_are_one_pass_over_the_viewers_orders() {
    let shop = Shop::open().await;
    let ids: Vec<String> = ["CUP", "TEAPOT", "GONE", "NEVER"].map(str::to_owned).into();
    let query = |ids: &[String]| {
        let all = representations("Product", ids);
        format!(
            "{{ _entities(representations: [{all}]) {{ ... on Product {{ orders(first: 2) {{ nodes {{ id }} }} }} }} }}"
        )
    };
    let one = requests(&shop, "orders", &query(&ids[..1])).await;
    assert_eq!(requests(&shop, "orders", &query(&ids)).await, one);
    let answer = shop.ask("orders", &query(&ids), Some("ada")).await;
    let found: Vec<String> = answer["data"]["_entities"]
        .as_array()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        found,
        [
            json!({"orders": {"nodes": [{"id": "ord_2"}, {"id": "ord_1"}]}}).to_string(),
            json!({"orders": {"nodes": [{"id": "ord_4"}, {"id": "ord_2"}]}}).to_string(),
            json!({"orders": {"nodes": [{"id": "ord_4"}]}}).to_string(),
            json!({"orders": {"nodes": []}}).to_string(),
        ]
    );
}

#[tokio::test]
async fn pages_follow_each_other() {
    let shop = Shop::open().await;
    let mut after = String::new();
    let mut seen = Vec::new();
    loop {
        let query = format!(
            "{{ _entities(representations: [{{__typename: \"User\", id: \"ada\"}}]) \
             {{ ... on User {{ orders(first: 2{after}) {{ nodes {{ id }} pageInfo {{ hasNextPage endCursor }} }} }} }} }}"
        );
        let answer = shop.ask("orders", &query, Some("ada")).await;
        let page = &answer["data"]["_entities"][0]["orders"];
        for order in page["nodes"].as_array().unwrap() {
            seen.push(order["id"].as_str().unwrap().to_owned());
        }
        assert_eq!(
            page["pageInfo"]["hasNextPage"],
            json!(!page["pageInfo"]["endCursor"].is_null())
        );
        match page["pageInfo"]["endCursor"].as_str() {
            Some(cursor) => after = format!(", after: \"{cursor}\""),
            None => break,
        }
    }
    assert_eq!(seen, ["ord_4", "ord_2", "ord_1"]);
    let query = "{ ordersByProduct(productId: \"CUP\", first: 1) { nodes { id } pageInfo { endCursor } } }";
    let first = shop.ask("orders", query, Some("ada")).await;
    let cursor = first["data"]["ordersByProduct"]["pageInfo"]["endCursor"]
        .as_str()
        .unwrap();
    let query = format!(
        "{{ ordersByProduct(productId: \"CUP\", after: \"{cursor}\") {{ nodes {{ id }} pageInfo {{ hasNextPage }} }} }}"
    );
    let rest = shop.ask("orders", &query, Some("ada")).await;
    assert_eq!(
        rest["data"]["ordersByProduct"],
        json!({"nodes": [{"id": "ord_1"}], "pageInfo": {"hasNextPage": false}})
    );
}

#[tokio::test]
async fn arguments_out_of_range_are_refused_by_name() {
    let shop = Shop::open().await;
    for arguments in ["first: 0", "first: 51", "first: -1", "after: \"x\""] {
        let query = format!("{{ ordersByProduct(productId: \"CUP\", {arguments}) {{ nodes {{ id }} }} }}");
        let answer = shop.ask("orders", &query, Some("ada")).await;
        assert_eq!(errors(&answer)[0].0, "BAD_USER_INPUT", "{arguments}: {answer}");
    }
    let many = vec!["\"CUP\""; 101].join(", ");
    let answer = shop
        .ask("catalog", &format!("{{ products(ids: [{many}]) {{ id }} }}"), None)
        .await;
    assert_eq!(errors(&answer)[0].0, "BAD_USER_INPUT");
    let odd = "{ products(ids: [\"no sku\", \"CUP\", \"NEVER\"]) { id } product(id: \"\\u0000\") { id } }";
    let answer = shop.ask("catalog", odd, None).await;
    assert_eq!(
        answer,
        json!({"data": {"products": [null, {"id": "CUP"}, null], "product": null}})
    );
}
