//! The storefront's graph: the gateway and its subgraphs as they are deployed.

use onecommit_environment::Environment;
use onecommit_testing::an_event;
use onecommit_tokens::{Scopes, SigningKey, TokenSigner};
use serde_json::{Value, json};
use storefront_money::{Currency, Money};
use storefront_orders::{CreateOrder, Line};

use crate::api::{authorized, put};
use crate::aws::Aws;
use crate::events::unique;
use crate::patience::eventually_some;

/// The secret of the local stage's issuers, as the template has it.
const LOCAL_SECRET: &str = "local-stage-only-and-known-to-everybody";

pub(super) fn session_of(user: &str) -> String {
    let key = SigningKey::from_secret("local", LOCAL_SECRET.as_bytes()).unwrap();
    let signer = TokenSigner::new(key, "local-users", user, Environment::system());
    let token = signer.token("onecommit", &Scopes::none()).unwrap();
    format!("Bearer {}", token.expose())
}

fn ask(aws: &Aws, query: &str, session: Option<&str>) -> Value {
    let url = format!("{}/graphql", aws.deployment.output("GraphqlApiUrl"));
    let answer = authorized("POST", &url, session, Some(&json!({"query": query})));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

pub(super) async fn one_query_reaches_all_three_subgraphs_for_the_viewer_alone() {
    let aws = Aws::connect();
    let (sku, user, order_id) = (unique("cup"), unique("ada"), unique("ord"));
    let price = json!({"minorUnits": 400, "currency": "EUR"});
    let product = json!({"name": "Cup", "category": "cups", "price": price});
    let url = format!("{}/catalog/products/{sku}", aws.deployment.output("CatalogApiUrl"));
    assert_eq!(put(&url, &product).status, 200);
    let url = format!("{}/users/{user}", aws.deployment.output("UsersApiUrl"));
    assert_eq!(put(&url, &json!({"displayName": "Ada"})).status, 200);
    let line = Line {
        sku: sku.clone(),
        quantity: 2,
        unit_price_minor: 400,
    };
    let create = CreateOrder {
        order_id: order_id.clone(),
        customer_id: user.clone(),
        items: vec![line],
        total: Money::new(800, Currency::new("EUR").unwrap()),
    };
    aws.publish_from_store(&an_event("OrderSaga", &order_id, create)).await;

    let query = format!(
        "{{ me {{ displayName orders {{ nodes {{ id status items {{ quantity product {{ name }} }} }} }} }} \
         product(id: \"{sku}\") {{ price {{ minorUnits currency }} orders {{ nodes {{ id customer {{ displayName }} }} }} }} }}"
    );
    let (session, items) = (session_of(&user), json!([{"quantity": 2, "product": {"name": "Cup"}}]));
    let whole = json!({"data": {
        "me": {"displayName": "Ada", "orders": {"nodes": [{"id": order_id, "status": "CREATED", "items": items}]}},
        "product": {"price": price, "orders": {"nodes": [{"id": order_id, "customer": {"displayName": "Ada"}}]}},
    }});
    let answered = async || Some(ask(&aws, &query, Some(&session))).filter(|answer| *answer == whole);
    eventually_some("the order in the graph", answered).await;

    let alone = format!("{{ order(id: \"{order_id}\") {{ id }} }}");
    let none = json!({"data": {"order": null}});
    assert_eq!(ask(&aws, &alone, Some(&session_of(&unique("grace")))), none);
    let anonymous = ask(&aws, &alone, None);
    assert_eq!(anonymous["data"], none["data"]);
    assert_eq!(anonymous["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}
