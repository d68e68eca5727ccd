//! Who is answered what.

use onecommit_engine::{DatabaseError, TransientKind};
use serde_json::json;

use crate::kit::{Shop, errors};

const ORDER: &str = "{ order(id: \"ord_1\") { id total { minorUnits currency } customer { id } } }";

fn codes(answer: &serde_json::Value) -> Vec<String> {
    errors(answer).into_iter().map(|(code, _)| code).collect()
}

#[tokio::test]
async fn the_catalog_is_for_everybody() {
    let shop = Shop::open().await;
    let answer = shop
        .ask(
            "catalog",
            "{ product(id: \"CUP\") { name available imageUrl price { minorUnits currency } } }",
            None,
        )
        .await;
    let price = json!({"minorUnits": 400, "currency": "EUR"});
    let cup = json!({"name": "The CUP", "available": false, "imageUrl": null, "price": price});
    assert_eq!(answer, json!({"data": {"product": cup}}));
}

#[tokio::test]
async fn an_order_is_answered_to_its_customer() {
    let shop = Shop::open().await;
    let order = json!({"id": "ord_1", "total": {"minorUnits": 200, "currency": "EUR"}, "customer": {"id": "ada"}});
    assert_eq!(
        shop.ask("orders", ORDER, Some("ada")).await,
        json!({"data": {"order": order}})
    );
}

#[tokio::test]
async fn another_persons_order_looks_like_an_unknown_one() {
    let shop = Shop::open().await;
    let theirs = shop.ask("orders", ORDER, Some("grace")).await;
    let none = shop
        .ask("orders", &ORDER.replace("ord_1", "ord_9"), Some("grace"))
        .await;
    assert_eq!((&theirs, &none), (&json!({"data": {"order": null}}), &theirs));
    for odd in [String::new(), "x".repeat(3_000), "\\u0000".to_owned()] {
        let answer = shop.ask("orders", &ORDER.replace("ord_1", &odd), Some("ada")).await;
        assert_eq!(answer, none);
    }
    let entity = "{ _entities(representations: [{__typename: \"Order\", id: \"ord_1\"}]) { ... on Order { status } } }";
    assert_eq!(
        shop.ask("orders", entity, Some("grace")).await,
        json!({"data": {"_entities": [null]}})
    );
    let of_product = "{ ordersByProduct(productId: \"CUP\") { nodes { id } } }";
    let answer = shop.ask("orders", of_product, Some("grace")).await;
    assert_eq!(answer["data"]["ordersByProduct"], json!({"nodes": [{"id": "ord_3"}]}));
}

#[tokio::test]
async fn an_anonymous_viewer_gets_no_personal_data() {
    let shop = Shop::open().await;
    let entity = |kind: &str, fields: &str| {
        format!(
            "{{ _entities(representations: [{{__typename: \"{kind}\", id: \"ada\"}}]) {{ ... on {kind} {{ {fields} }} }} }}"
        )
    };
    let of_orders = [
        ORDER.to_owned(),
        "{ ordersByProduct(productId: \"CUP\") { nodes { id } } }".to_owned(),
        entity("User", "orders { nodes { id } }"),
        entity("Product", "orders { nodes { id } }"),
        entity("Order", "status"),
    ];
    for query in of_orders {
        let answer = shop.ask("orders", &query, None).await;
        assert_eq!(codes(&answer), ["UNAUTHENTICATED"], "{query}: {answer}");
    }
    for query in ["{ me { id } }".to_owned(), entity("User", "displayName")] {
        let answer = shop.ask("users", &query, None).await;
        assert_eq!(codes(&answer), ["UNAUTHENTICATED"], "{query}: {answer}");
    }
}

#[tokio::test]
async fn a_person_is_shown_only_to_themselves() {
    let shop = Shop::open().await;
    let query = "{ _entities(representations: [{__typename: \"User\", id: \"ada\"}]) { ... on User { displayName } } }";
    let answer = shop.ask("users", query, Some("ada")).await;
    assert_eq!(answer, json!({"data": {"_entities": [{"displayName": "Ada"}]}}));
    let answer = shop.ask("users", query, Some("grace")).await;
    assert_eq!(codes(&answer), ["FORBIDDEN"]);
    assert!(!answer.to_string().contains("Ada"));
    let both = "{ _entities(representations: [{__typename: \"User\", id: \"ada\"}, {__typename: \"User\", id: \"grace\"}]) \
                { ... on User { displayName } } }";
    let answer = shop.ask("users", both, Some("ada")).await;
    assert_eq!(
        answer["data"],
        json!({"_entities": [{"displayName": "Ada"}, null]}),
        "one that fails takes no other along"
    );
    let orders = query.replace("displayName", "orders { nodes { id } }");
    assert_eq!(codes(&shop.ask("orders", &orders, Some("grace")).await), ["FORBIDDEN"]);
    let answer = shop
        .ask("users", "{ me { id displayName avatar locale } }", Some("grace"))
        .await;
    let grace = json!({"id": "grace", "displayName": "Grace", "avatar": null, "locale": null});
    assert_eq!(answer, json!({"data": {"me": grace}}));
    // A session without a profile, and one whose subject is no user's id.
    for user in ["linus", "not an id"] {
        assert_eq!(
            shop.ask("users", "{ me { id } }", Some(user)).await,
            json!({"data": {"me": null}})
        );
    }
}

#[tokio::test]
async fn an_invalid_token_is_not_treated_as_anonymous() {
    let shop = Shop::open().await;
    for token in ["ada", &*format!("{}x", shop.token("ada"))] {
        let (status, answer) = shop
            .ask_with("catalog", "{ product(id: \"CUP\") { name } }", Some(token))
            .await;
        assert_eq!(status, 401);
        assert_eq!(codes(&answer), ["UNAUTHENTICATED"], "{answer}");
        assert!(!answer.to_string().contains(token));
    }
}

#[tokio::test]
async fn tables_that_do_not_answer_are_an_error_with_a_code_and_no_cause() {
    let shop = Shop::open().await;
    let fail = || DatabaseError::Transient(TransientKind::Unavailable, "10.0.0.7 does not answer".into());
    shop.database.fail_next(fail());
    let answer = shop.ask("catalog", "{ product(id: \"CUP\") { name } }", None).await;
    assert_eq!(answer["data"], json!({"product": null}));
    assert_eq!(
        errors(&answer),
        [("UNAVAILABLE".to_owned(), "[\"product\"]".to_owned())]
    );
    assert!(!answer.to_string().contains("10.0.0.7"));
    shop.database.fail_next(fail());
    assert_eq!(
        codes(&shop.ask("users", "{ me { id } }", Some("ada")).await),
        ["UNAVAILABLE"]
    );
    shop.database.fail_next(fail());
    assert_eq!(codes(&shop.ask("orders", ORDER, Some("ada")).await), ["UNAVAILABLE"]);
}

#[tokio::test]
async fn a_query_that_is_too_deep_is_refused() {
    let shop = Shop::open().await;
    let deep = format!(
        "{{ order(id: \"ord_1\") {}id{} }}",
        "{ customer { orders { nodes ".repeat(12),
        "} } }".repeat(12)
    );
    let deep = deep.replace("nodes id", "nodes { id }");
    let answer = shop.ask("orders", &deep, Some("ada")).await;
    assert!(answer["data"].is_null() && answer["errors"].is_array(), "{answer}");
}
