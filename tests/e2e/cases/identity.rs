//! Callers who do not sign with IAM, at the API with the authorizer before it.

use onecommit_environment::Environment;
use onecommit_tokens::{Scopes, SigningKey, TokenSigner};
use serde_json::{Value, json};

use crate::api::{Answer, authorized, request};
use crate::aws::Aws;
use crate::canaries;
use crate::cases::operator::{operator, printed};
use crate::events::unique;
use crate::patience::eventually_some;

/// The secret of the local stage's issuers, as the template has it.
const LOCAL_SECRET: &str = "local-stage-only-and-known-to-everybody";

fn bearer_of(issuer: &str, scopes: &str) -> String {
    let key = SigningKey::from_secret("local", LOCAL_SECRET.as_bytes()).unwrap();
    let signer = TokenSigner::new(key, issuer, "orders", Environment::system());
    let token = signer.token("onecommit", &Scopes::parse(scopes).unwrap()).unwrap();
    format!("Bearer {}", token.expose())
}

/// A product at the door; it is described by the catalog's own API.
struct Product<'a> {
    aws: &'a Aws,
    sku: String,
}

impl<'a> Product<'a> {
    fn new(aws: &'a Aws) -> Self {
        let sku = unique("sku");
        let described = json!({"name": "Red teapot", "category": "teapots",
                               "price": {"minorUnits": 1250, "currency": "EUR"}, "description": "Holds a litre."});
        let base = aws.deployment.output("CatalogApiUrl");
        let answer = request("PUT", &format!("{base}/catalog/products/{sku}"), Some(&described));
        assert_eq!(answer.status, 200);
        Self { aws, sku }
    }

    fn ask(&self, method: &str, path: &str, authorization: Option<&str>, body: Option<&Value>) -> Answer {
        let base = self.aws.deployment.output("DoorApiUrl");
        let url = format!("{base}/catalog/products/{}{path}", self.sku);
        authorized(method, &url, authorization, body)
    }

    fn status(&self, authorization: Option<&str>) -> u16 {
        self.ask("GET", "", authorization, None).status
    }
}

pub(crate) async fn a_caller_outside_is_let_in_by_what_its_token_allows() {
    let aws = Aws::connect();
    let product = Product::new(&aws);
    assert_eq!(product.status(None), 401, "without a credential");
    let reader = bearer_of("local-services", "catalog:read");
    for wrong in [
        "Bearer x.y.z",
        "Basic dTpw",
        &format!("{reader}x"),
        &bearer_of("somebody-else", "catalog:read"),
    ] {
        assert_eq!(product.status(Some(wrong)), 401, "{wrong}");
    }
    let shown = product.ask("GET", "", Some(&reader), None);
    assert_eq!(
        (shown.status, &shown.body["sku"]),
        (200, &product.sku.as_str().into()),
        "{shown:?}"
    );
    // The answer is kept for the token, and it is not one for the first route only.
    assert_eq!(product.ask("GET", "/stock", Some(&reader), None).status, 200);
    let delivery = json!({"additionId": "delivery-1", "quantity": 5});
    assert_eq!(
        product.ask("POST", "/stock", Some(&reader), Some(&delivery)).status,
        403,
        "without the scope"
    );
    let writer = bearer_of("local-services", "catalog:read catalog:write");
    assert_eq!(
        product.ask("POST", "/stock", Some(&writer), Some(&delivery)).status,
        200
    );
    assert_eq!(product.ask("GET", "/stock", Some(&writer), None).body["available"], 5);
    assert_eq!(
        product
            .ask("GET", "", Some(&bearer_of("local-services", "users:read")), None)
            .status,
        403
    );
    assert_eq!(
        product.status(Some(&bearer_of("local-users", "catalog:read"))),
        200,
        "a session"
    );
}

pub(crate) async fn an_api_key_is_let_in_until_it_is_revoked() {
    let aws = Aws::connect();
    let product = Product::new(&aws);
    let name = format!("{} {}", unique("partner"), canaries::NAME);
    let create = ["keys", "create", &name, "--scopes", "catalog:read", "--json"];
    let made = printed(&operator(&aws, &create)).remove(0);
    let (id, key) = (made["keyId"].as_str().unwrap(), made["key"].as_str().unwrap());
    let bearer = format!("Bearer {key}");
    assert_eq!(product.status(Some(&bearer)), 200);
    assert_eq!(
        product.ask("PUT", "/price", Some(&bearer), Some(&json!({}))).status,
        403,
        "without the scope"
    );
    let listed = printed(&operator(&aws, &["keys", "list", "--json"]));
    let listed = Value::Array(listed).to_string();
    assert!(listed.contains(id) && !listed.contains(key), "a list shows no key");
    printed(&operator(&aws, &["keys", "revoke", id, "--yes", "--json"]));
    // The gateway keeps its answer for up to a minute.
    let revoked = async || (product.status(Some(&bearer)) == 401).then_some(());
    eventually_some("the revoked key to be refused", revoked).await;
}
