//! What callers of the API see.

use onecommit_engine::{DatabaseError, Key, Table, TableWriter, TransientKind};
use serde_json::{Value, json};

use crate::kit::{Kit, order_confirmed, reserve};

fn teapot() -> Value {
    json!({"name": "Red teapot", "category": "teapots", "price": {"minorUnits": 1250, "currency": "EUR"},
           "description": "Holds a litre."})
}

#[tokio::test]
async fn a_product_is_shown_as_it_was_put_and_may_be_put_again() {
    let kit = Kit::new();
    let path = "/catalog/products/TEAPOT-RED";
    let mut shown = teapot();
    shown["sku"] = json!("TEAPOT-RED");
    assert_eq!(kit.ask("PUT", path, Some(teapot())).await, (200, shown.clone()));
    shown["available"] = json!(false);
    assert_eq!(kit.ask("GET", path, None).await, (200, shown.clone()));
    kit.add_stock("TEAPOT-RED", "a-1", 5).await;
    let mut renamed = teapot();
    renamed["name"] = json!("Teapot, red");
    kit.ask("PUT", path, Some(renamed)).await;
    assert_eq!(kit.ask("GET", path, None).await.1["name"], "Teapot, red");
    assert_eq!(kit.shares("TEAPOT-RED"), (5, 0, 0));
}

#[tokio::test]
async fn products_are_listed_by_category_and_page_by_page() {
    let kit = Kit::with_products(&[("a", 0), ("b", 0), ("c", 0)]).await;
    let mut cup = teapot();
    cup["category"] = json!("cups & mugs");
    kit.ask("PUT", "/catalog/products/d", Some(cup)).await;
    let skus = |page: &Value| {
        let products = page["products"].as_array().cloned().unwrap_or_default();
        products
            .iter()
            .map(|product| product["sku"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let (_, page) = kit.ask("GET", "/catalog/products?category=teapots&limit=2", None).await;
    assert_eq!(
        (skus(&page), &page["next"]),
        (vec!["a".into(), "b".into()], &json!("b"))
    );
    let (_, page) = kit
        .ask("GET", "/catalog/products?category=teapots&limit=2&after=b", None)
        .await;
    assert_eq!((skus(&page), page.get("next")), (vec!["c".into()], None));
    let (_, page) = kit.ask("GET", "/catalog/products?category=cups+%26+mugs", None).await;
    assert_eq!(skus(&page), ["d"]);
    let (_, page) = kit.ask("GET", "/catalog/categories", None).await;
    assert_eq!(page, json!({"categories": ["cups & mugs", "teapots"]}));
    let (_, page) = kit.ask("GET", "/catalog/products?category=pans", None).await;
    assert_eq!(page, json!({"products": []}));
}

#[tokio::test]
async fn products_are_read_by_their_names_in_one_request() {
    let kit = Kit::with_products(&[("a", 5), ("b", 0)]).await;
    let mut pictured = teapot();
    pictured["imageUrl"] = json!("https://example.com/c.png");
    kit.ask("PUT", "/catalog/products/c", Some(pictured)).await;
    let requests = kit.database.requests();
    let (status, answer) = kit.ask("GET", "/catalog/products?sku=c,a,nothing,b,a", None).await;
    assert_eq!((status, kit.database.requests() - requests), (200, 1));
    assert_eq!(answer["unknown"], json!(["nothing"]));
    let shown: Vec<_> = answer["products"]
        .as_array()
        .unwrap()
        .iter()
        .map(|product| {
            (
                product["sku"].clone(),
                product["available"].clone(),
                product["imageUrl"].clone(),
            )
        })
        .collect();
    let picture = json!("https://example.com/c.png");
    assert_eq!(
        shown,
        [
            (json!("c"), json!(false), picture),
            (json!("a"), json!(true), Value::Null),
            (json!("b"), json!(false), Value::Null),
        ]
    );
    let hundred: Vec<String> = (0..100).map(|number| format!("s-{number}")).collect();
    let path = format!("/catalog/products?sku={}", hundred.join(","));
    let (status, answer) = kit.ask("GET", &path, None).await;
    assert_eq!((status, answer["unknown"].as_array().map(Vec::len)), (200, Some(100)));
    for (query, code) in [
        (format!("sku={},more", hundred.join(",")), "tooManySkus"),
        ("sku=".to_owned(), "invalidSku"),
        ("sku=a,,b".to_owned(), "invalidSku"),
        ("sku=a&category=teapots".to_owned(), "invalidFilter"),
        ("sku=a&limit=5".to_owned(), "invalidFilter"),
    ] {
        let (status, error) = kit.ask("GET", &format!("/catalog/products?{query}"), None).await;
        assert_eq!((status, &error["error"]), (400, &json!(code)), "{query}");
    }
}

#[tokio::test]
async fn the_etag_changes_with_what_is_shown() {
    let kit = Kit::with_products(&[("pot", 2)]).await;
    let path = "/catalog/products/pot";
    let tag = kit.ask_if("GET", path, None, None).await.1;
    assert_eq!(
        kit.ask_if("GET", path, Some(("if-none-match", &tag)), None).await.0,
        304
    );
    kit.receive(&reserve("ord-1", &[("pot", 1)])).await;
    assert_eq!(
        kit.ask_if("GET", path, None, None).await.1,
        tag,
        "how many there are is not shown"
    );
    kit.receive(&reserve("ord-2", &[("pot", 1)])).await;
    let sold_out = kit.ask_if("GET", path, None, None).await.1;
    assert_ne!(sold_out, tag);
    assert_eq!(
        kit.ask_if("PUT", path, Some(("if-match", &tag)), Some(teapot()))
            .await
            .0,
        412
    );
    assert_eq!(
        kit.ask_if("PUT", path, Some(("if-none-match", "*")), Some(teapot()))
            .await
            .0,
        412
    );
    assert_eq!(
        kit.ask_if("PUT", path, Some(("if-match", &sold_out)), Some(teapot()))
            .await
            .0,
        200
    );
    let price = Some(json!({"minorUnits": 1, "currency": "EUR"}));
    let priced = format!("{path}/price");
    assert_eq!(
        kit.ask_if("PUT", &priced, Some(("if-match", &sold_out)), price).await.0,
        412
    );
    assert_eq!(
        kit.ask_if(
            "PUT",
            "/catalog/products/new",
            Some(("if-none-match", "*")),
            Some(teapot())
        )
        .await
        .0,
        200
    );
}

#[tokio::test]
async fn a_product_without_a_version_is_shown_and_changed() {
    let kit = Kit::with_products(&[("pot", 1)]).await;
    let key = Key::of_view("product#pot", "product");
    let forget = Table::new("catalog").update(key).remove("version");
    kit.database.write(&forget.into()).await.unwrap();
    let (status, tag, _) = kit.ask_if("GET", "/catalog/products/pot", None, None).await;
    assert_eq!((status, tag.as_str()), (200, "\"1\""));
    let put = kit.ask_if("PUT", "/catalog/products/pot", Some(("if-match", &tag)), Some(teapot()));
    assert_eq!(put.await.0, 200);
    assert_eq!(kit.ask_if("GET", "/catalog/products/pot", None, None).await.1, "\"3\"");
}

#[tokio::test]
async fn a_new_price_applies_to_the_next_reservation() {
    let kit = Kit::with_products(&[("pot", 5)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 1)])).await;
    let price = json!({"minorUnits": 1300, "currency": "EUR"});
    assert_eq!(
        kit.ask("PUT", "/catalog/products/pot/price", Some(price.clone())).await,
        (200, price)
    );
    kit.receive(&reserve("ord-2", &[("pot", 1)])).await;
    assert_eq!(kit.last_said("ord-2").await["reason"], "priceChanged");
    kit.receive(&order_confirmed("ord-1")).await;
    assert_eq!(kit.shares("pot"), (4, 0, 1));
}

#[tokio::test]
async fn stock_that_is_added_twice_under_one_id_is_added_once() {
    let kit = Kit::with_products(&[("pot", 0)]).await;
    let path = "/catalog/products/pot/stock";
    let stock = json!({"sku": "pot", "start": 5, "available": 5, "held": 0, "confirmed": 0});
    for _ in 0..2 {
        let addition = json!({"additionId": "a-1", "quantity": 5});
        assert_eq!(kit.ask("POST", path, Some(addition)).await, (200, stock.clone()));
    }
    assert_eq!(kit.ask("GET", path, None).await, (200, stock));
    let (status, error) = kit
        .ask("POST", path, Some(json!({"additionId": "a-1", "quantity": 6})))
        .await;
    assert_eq!((status, &error["error"]), (409, &json!("additionIdReused")));
    assert_eq!(kit.stock("pot").start, 5);
}

#[tokio::test]
async fn one_addition_id_may_be_used_for_two_products() {
    let kit = Kit::with_products(&[("pot", 0), ("cup", 0)]).await;
    kit.add_stock("pot", "delivery-7", 5).await;
    kit.add_stock("cup", "delivery-7", 9).await;
    assert_eq!((kit.stock("pot").start, kit.stock("cup").start), (5, 9));
}

#[tokio::test]
async fn stock_that_would_overflow_is_refused() {
    let kit = Kit::with_products(&[("pot", 0)]).await;
    let row = Key::of_view("product#pot", "product");
    let full = Table::new("catalog")
        .update(row)
        .add("start", 1_000_000_000_000)
        .add("available", 1_000_000_000_000);
    kit.database.write(&full.into()).await.unwrap();
    let addition = json!({"additionId": "one-more", "quantity": 1});
    let (status, error) = kit.ask("POST", "/catalog/products/pot/stock", Some(addition)).await;
    assert_eq!((status, &error["error"]), (409, &json!("stockTooLarge")));
    assert_eq!(kit.stock("pot").start, 1_000_000_000_000);
}

#[tokio::test]
async fn an_invalid_request_is_explained_and_writes_nothing() {
    let kit = Kit::with_products(&[("pot", 0)]).await;
    let requests = kit.database.requests();
    let mut negative = teapot();
    negative["price"]["minorUnits"] = json!(-1);
    let mut no_currency = teapot();
    no_currency["price"]["currency"] = json!("euro");
    let mut nameless = teapot();
    nameless["name"] = json!("");
    let stock = "/catalog/products/pot/stock";
    for (method, path, body, status, code) in [
        ("PUT", "/catalog/products/a%20pot", Some(teapot()), 400, "invalidSku"),
        ("PUT", "/catalog/products/pan", Some(negative), 422, "invalidBody"),
        ("PUT", "/catalog/products/pan", Some(no_currency), 422, "invalidBody"),
        ("PUT", "/catalog/products/pan", Some(nameless), 422, "invalidBody"),
        ("PUT", "/catalog/products/pan", Some(json!({})), 422, "invalidBody"),
        (
            "PUT",
            "/catalog/products/pot/price",
            Some(json!({"minorUnits": -1, "currency": "EUR"})),
            422,
            "invalidBody",
        ),
        (
            "POST",
            stock,
            Some(json!({"additionId": "a", "quantity": 0})),
            400,
            "invalidQuantity",
        ),
        (
            "POST",
            stock,
            Some(json!({"additionId": "a", "quantity": -5})),
            400,
            "invalidQuantity",
        ),
        (
            "POST",
            stock,
            Some(json!({"additionId": "a", "quantity": 1e300})),
            422,
            "invalidBody",
        ),
        (
            "POST",
            stock,
            Some(json!({"additionId": "", "quantity": 5})),
            400,
            "invalidAdditionId",
        ),
        ("GET", "/catalog/products", None, 400, "noCategory"),
        (
            "GET",
            "/catalog/products?category=teapots&limit=0",
            None,
            400,
            "invalidLimit",
        ),
        (
            "GET",
            "/catalog/products?category=teapots&limit=many",
            None,
            400,
            "badRequest",
        ),
        (
            "GET",
            "/catalog/products?category=teapots&after=a%20b",
            None,
            400,
            "invalidSku",
        ),
        ("DELETE", "/catalog/products/pot", None, 405, "methodNotAllowed"),
        ("GET", "/catalog/nothing", None, 404, "notFound"),
    ] {
        let (answered, error) = kit.ask(method, path, body).await;
        assert_eq!(
            (answered, &error["error"]),
            (status, &json!(code)),
            "{method} {path}: {error}"
        );
    }
    assert_eq!(kit.database.requests(), requests);
}

#[tokio::test]
async fn an_unknown_resource_is_404() {
    let kit = Kit::new();
    for (method, path, body, code) in [
        ("GET", "/catalog/products/pan", None, "unknownProduct"),
        ("GET", "/catalog/products/pan/stock", None, "unknownProduct"),
        (
            "PUT",
            "/catalog/products/pan/price",
            Some(json!({"minorUnits": 1, "currency": "EUR"})),
            "unknownProduct",
        ),
        (
            "POST",
            "/catalog/products/pan/stock",
            Some(json!({"additionId": "a", "quantity": 5})),
            "unknownProduct",
        ),
        ("GET", "/catalog/reservations/ord-1", None, "unknownReservation"),
    ] {
        let (status, error) = kit.ask(method, path, body).await;
        assert_eq!(
            (status, &error["error"]),
            (404, &json!(code)),
            "{method} {path}: {error}"
        );
    }
    assert_eq!(kit.database.count("catalog"), 0);
}

#[tokio::test]
async fn a_reservation_is_shown_with_its_items() {
    let kit = Kit::with_products(&[("pot", 5)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 2)])).await;
    let (status, shown) = kit.ask("GET", "/catalog/reservations/ord-1", None).await;
    assert_eq!(
        (status, &shown["state"], &shown["currency"]),
        (200, &json!("held"), &json!("EUR"))
    );
    assert_eq!(
        shown["items"],
        json!([{"sku": "pot", "quantity": 2, "unitPriceMinor": 1250}])
    );
}

#[tokio::test(start_paused = true)]
async fn lost_answers_are_retried_and_outages_are_503() {
    let kit = Kit::with_products(&[("pot", 0)]).await;
    let lost = || DatabaseError::Transient(TransientKind::Unavailable, "no answer".into());
    kit.database.lose_next_answer(lost());
    kit.add_stock("pot", "a-1", 5).await;
    assert_eq!(kit.stock("pot").start, 5);
    (0..4).for_each(|_| kit.database.fail_next(lost()));
    let addition = json!({"additionId": "a-2", "quantity": 5});
    let (status, error) = kit.ask("POST", "/catalog/products/pot/stock", Some(addition)).await;
    assert_eq!((status, &error["error"]), (503, &json!("unavailable")));
    assert_eq!(kit.stock("pot").start, 5);
}

#[tokio::test]
async fn texts_that_fit_into_no_key_are_refused_by_name() {
    let kit = Kit::new();
    let long = "x".repeat(2_100);
    for (path, field) in [
        (format!("/catalog/products?category={long}"), "category"),
        (format!("/catalog/reservations/{long}"), "orderId"),
    ] {
        let (status, answer) = kit.ask("GET", &path, None).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["message"].as_str().unwrap().starts_with(field), "{answer}");
    }
    let mut misspelt = teapot();
    misspelt["descripton"] = json!("Holds a litre.");
    let (status, answer) = kit.ask("PUT", "/catalog/products/POT", Some(misspelt)).await;
    assert_eq!(status, 422);
    assert!(
        answer["message"].as_str().unwrap().starts_with("descripton"),
        "{answer}"
    );
}
