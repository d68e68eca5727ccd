//! The routes of an API in the template are those that its description in OpenAPI has.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::cloudformation::template;
use crate::workspace::root;

/// Which API of the template a committed description is of.
const DESCRIBED: [(&str, &str); 6] = [
    ("catalog", "CatalogApi"),
    ("notifications", "NotificationsApi"),
    ("orders", "OrdersApi"),
    ("payments", "PaymentsApi"),
    ("recommendations", "RecommendationsApi"),
    ("users", "UsersApi"),
];

const METHODS: [&str; 7] = ["get", "head", "put", "post", "patch", "delete", "options"];

/// Methods and paths of an OpenAPI document.
fn operations(document: &Value) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let methods = operations.as_object().unwrap().keys();
        let methods = methods.filter(|method| METHODS.contains(&method.as_str()));
        found.extend(methods.map(|method| (method.clone(), path.clone())));
    }
    found
}

/// Whether a path of the template takes what a path of the description is.
fn takes(template: &str, described: &str) -> bool {
    let (mut template, mut described) = (template.split('/'), described.split('/'));
    loop {
        match (template.next(), described.next()) {
            (None, None) => return true,
            (Some(rest), Some(_)) if rest.ends_with("+}") => return true,
            (Some(wanted), Some(part)) if wanted == part || wanted.starts_with('{') => {}
            _ => return false,
        }
    }
}

#[test]
fn the_template_has_the_routes_that_are_described() {
    let template = template("infra/template.yaml");
    for (context, api) in DESCRIBED {
        let file = root().join(format!("functions/storefront/{context}/openapi.json"));
        let described: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(described["openapi"], "3.1.0", "{context}");
        let described = operations(&described);
        let routed = operations(&template["Resources"][api]["Properties"]["DefinitionBody"]);
        let is_pair = |(routed_method, route): &(String, String), (method, path): &(String, String)| {
            routed_method == method && takes(route, path)
        };
        for operation in &described {
            let is_routed = routed.iter().any(|routed| is_pair(routed, operation));
            assert!(is_routed, "{api} has no route for {operation:?}");
        }
        for route in &routed {
            let is_described = described.iter().any(|operation| is_pair(route, operation));
            assert!(is_described, "{route:?} of {api} is not in {context}/openapi.json");
        }
    }
}

#[test]
fn every_description_that_there_is_is_compared() {
    let contexts = fs::read_dir(root().join("functions/storefront")).unwrap();
    let contexts = contexts.map(|context| context.unwrap());
    let described = contexts.filter(|context| context.path().join("openapi.json").exists());
    let names: BTreeSet<String> = described
        .map(|context| context.file_name().into_string().unwrap())
        .collect();
    let compared: BTreeSet<String> = DESCRIBED.iter().map(|(context, _)| (*context).to_owned()).collect();
    assert_eq!(names, compared);
}

#[test]
fn a_route_takes_its_parameters_and_a_proxy_all_that_follows() {
    assert!(takes("/users/{userId}", "/users/{id}") && takes("/health/{check}", "/health/live"));
    assert!(takes("/catalog/{proxy+}", "/catalog/products/{sku}/stock"));
    assert!(!takes("/users/{userId}", "/users") && !takes("/users", "/orders"));
    assert!(!takes("/users/{userId}", "/users/{userId}/preferences"));
}
