use std::sync::Arc;

use onecommit_outside::Fault;
use serde_json::{Value, json};
use storefront_catalog::{HttpSupplier, Offered, Sku, Supplier, SupplierError};
use storefront_money::{Currency, Money};

use crate::process::{ForwardClock, Process};

fn teapot() -> Value {
    json!({"product_code": "TEAPOT", "display_name": "Red teapot", "supplier_note": "unknown here",
           "unit_price": {"amount": "12.50", "currency": "EUR"}, "inventory": {"status": "in_stock", "count": 7}})
}

fn sku() -> Sku {
    Sku::new("TEAPOT").unwrap()
}

struct Shop {
    outside: Process,
    clock: Arc<ForwardClock>,
    supplier: HttpSupplier,
}

impl Shop {
    async fn selling(product: &Value) -> Self {
        let (outside, clock) = (Process::start(), Arc::new(ForwardClock::default()));
        outside.has_product("TEAPOT", product).await;
        let supplier = HttpSupplier::new(outside.client(&clock.environment()));
        Self {
            outside,
            clock,
            supplier,
        }
    }

    async fn offer(&self) -> Result<Offered, SupplierError> {
        self.supplier.offer(&sku()).await
    }

    async fn requests(&self) -> u64 {
        self.outside.report().await["requests"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn an_outside_product_is_an_offer_of_ours() {
    let shop = Shop::selling(&teapot()).await;
    let offered = shop.offer().await.unwrap();
    let price = Money::new(1_250, Currency::new("EUR").unwrap());
    assert_eq!((offered.offer.sku(), offered.offer.name()), (&sku(), "Red teapot"));
    assert_eq!(
        (offered.offer.price().money(), offered.offer.is_available()),
        (price, true)
    );
    assert_eq!(offered.stale_for, None);
}

#[tokio::test]
async fn amounts_have_the_digits_of_their_currency_however_they_are_written() {
    let shop = Shop::selling(&teapot()).await;
    for (amount, currency, minor) in [
        (r#""12.50""#, "EUR", 1_250),
        ("12.5", "EUR", 1_250),
        ("12.50", "EUR", 1_250),
        ("1250", "JPY", 1_250),
        (r#""1.250""#, "BHD", 1_250),
        (r#""0""#, "EUR", 0),
    ] {
        shop.outside.has_product("TEAPOT", &priced(amount, currency)).await;
        shop.clock.forward(61);
        let offered = shop.offer().await.unwrap();
        assert_eq!(
            offered.offer.price().money().minor_units(),
            minor,
            "{amount} {currency}"
        );
    }
}

fn priced(amount: &str, currency: &str) -> Value {
    let mut product = teapot();
    product["unit_price"] = json!({"amount": serde_json::from_str::<Value>(amount).unwrap(), "currency": currency});
    product
}

#[tokio::test]
async fn what_is_wrong_with_an_outside_product_is_named_by_its_field_and_not_quoted() {
    let shop = Shop::selling(&teapot()).await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut product = teapot();
        change(&mut product);
        product
    };
    let amount = |amount: Value| with(&|product| product["unit_price"]["amount"] = amount.clone());
    for (product, words) in [
        (
            amount(json!("12.505")),
            "unit_price.amount: it has more than the currency's 2 digits",
        ),
        (amount(json!("1e2")), "unit_price.amount: it is not a plain decimal"),
        (amount(json!("-12.50")), "unit_price.amount: it is not a plain decimal"),
        (amount(json!(-1)), "unit_price.amount: it is not a plain decimal"),
        (
            amount(json!("4711 euros")),
            "unit_price.amount: it is not a plain decimal",
        ),
        (amount(json!({})), "unit_price.amount: it is not a plain decimal"),
        (amount(json!("99999999999")), "unit_price.amount: a price is between"),
        (
            with(&|product| product["unit_price"] = json!({"currency": "EUR"})),
            "unit_price.amount: it is missing",
        ),
        (
            with(&|product| product["unit_price"]["currency"] = "euro".into()),
            "unit_price.currency: ",
        ),
        (
            with(&|product| product["unit_price"]["currency"] = "ZZZ".into()),
            "unit_price.amount: its currency",
        ),
        (
            with(&|product| product["display_name"] = "".into()),
            "display_name: name is empty",
        ),
        (
            with(&|product| product["product_code"] = "OTHER".into()),
            "product_code: it is another product's",
        ),
        (
            with(&|product| product["inventory"] = "in_stock".into()),
            "inventory: expected an object",
        ),
        (json!([]), "expected an object"),
    ] {
        shop.outside.has_product("TEAPOT", &product).await;
        shop.clock.forward(61);
        let error = shop.offer().await.unwrap_err();
        assert!(matches!(error, SupplierError::Unusable(_)), "{product}: {error:?}");
        assert!(error.to_string().contains(words), "{product}: {error}");
        assert!(!error.to_string().contains("4711"), "{error}");
    }
}

#[tokio::test]
async fn an_unknown_word_for_the_stock_is_not_availability() {
    let shop = Shop::selling(&teapot()).await;
    for (word, is_available) in [
        ("low_stock", true),
        ("out_of_stock", false),
        ("IN_STOCK", false),
        ("perhaps", false),
    ] {
        let mut product = teapot();
        product["inventory"]["status"] = word.into();
        shop.outside.has_product("TEAPOT", &product).await;
        shop.clock.forward(61);
        assert_eq!(shop.offer().await.unwrap().offer.is_available(), is_available, "{word}");
    }
}

#[tokio::test]
async fn an_unknown_product_is_not_an_outage() {
    let shop = Shop::selling(&teapot()).await;
    let other = Sku::new("NOTHING").unwrap();
    assert!(matches!(shop.supplier.offer(&other).await, Err(SupplierError::Unknown)));
    shop.outside.fails(&[Fault::DoneButError; 3]).await;
    assert!(matches!(
        shop.supplier.offer(&other).await,
        Err(SupplierError::Unavailable(_))
    ));
}

#[tokio::test]
async fn an_answer_is_used_for_60_s_and_then_revalidated() {
    let shop = Shop::selling(&teapot()).await;
    shop.offer().await.unwrap();
    shop.clock.forward(59);
    shop.offer().await.unwrap();
    assert_eq!(shop.requests().await, 1);
    shop.clock.forward(2);
    assert_eq!(shop.offer().await.unwrap().stale_for, None);
    assert_eq!(shop.requests().await, 2, "asked whether it still holds");
    shop.offer().await.unwrap();
    assert_eq!(shop.requests().await, 2);
}

#[tokio::test]
async fn whatever_an_outage_looks_like_the_last_offer_stands_in_with_its_age() {
    for fault in [
        Fault::Unavailable,
        Fault::DoneButError,
        Fault::DoneButCut,
        Fault::Page,
        Fault::Flood,
        Fault::Redirect,
        Fault::Throttled,
    ] {
        let shop = Shop::selling(&teapot()).await;
        shop.outside.fails(&[fault; 3]).await;
        assert!(
            matches!(shop.offer().await, Err(SupplierError::Unavailable(_))),
            "{fault:?}: nothing is known yet"
        );
        shop.outside.fails(&[]).await;
        let fresh = shop.offer().await.unwrap();
        shop.clock.forward(90);
        shop.outside.fails(&[fault; 3]).await;
        let stale = shop.offer().await.unwrap();
        assert_eq!(stale.offer, fresh.offer, "{fault:?}");
        assert!(
            (90..95).contains(&stale.stale_for.unwrap().as_secs()),
            "{fault:?}: {:?}",
            stale.stale_for
        );
    }
}

#[tokio::test]
async fn a_process_that_is_gone_is_stood_in_for_and_not_for_ever() {
    let mut shop = Shop::selling(&teapot()).await;
    shop.offer().await.unwrap();
    shop.outside.kill();
    shop.clock.forward(300);
    assert!(shop.offer().await.unwrap().stale_for.is_some());
    shop.clock.forward(600);
    assert!(matches!(shop.offer().await, Err(SupplierError::Unavailable(_))));
}

#[tokio::test]
async fn while_the_circuit_is_open_the_last_offer_stands_in_and_nobody_is_asked() {
    let mut shop = Shop::selling(&teapot()).await;
    shop.supplier = HttpSupplier::new(shop.outside.guarded_client(&shop.clock.environment()));
    shop.offer().await.unwrap();
    shop.clock.forward(61);
    shop.outside.fails(&[Fault::Unavailable; 20]).await;
    for _ in 0..10 {
        assert!(shop.offer().await.unwrap().stale_for.is_some());
    }
    assert_eq!(shop.requests().await, 1 + 5, "five failures opened the circuit");
    shop.outside.fails(&[]).await;
    shop.clock.forward(31);
    assert_eq!(shop.offer().await.unwrap().stale_for, None, "tried again after 30 s");
}
