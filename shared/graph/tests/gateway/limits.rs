//! Queries that ask for too much, and those that are not queries.

use onecommit_graph::{GraphLimits, GraphSettings, TrustedDocuments};
use serde_json::{Value, json};

use crate::museum::{Museum, errors};

fn code(answer: &Value) -> String {
    assert!(answer.get("data").is_none(), "{answer}");
    errors(answer)[0].0.clone()
}

#[tokio::test]
async fn too_much_is_refused_by_name_and_no_subgraph_is_asked() {
    let museum = Museum::new();
    let aliases = (0..5_000).fold(String::new(), |all, number| format!("{all} a{number}: motto"));
    let fields = (0..31).fold(String::new(), |all, number| format!("{all} a{number}: motto"));
    let bomb = (0..30).fold("query { ...f0 }".to_owned(), |all, number| {
        let next = number + 1;
        format!("{all} fragment f{number} on Query {{ ...f{next} ...f{next} }}")
    });
    let spread = (0..20)
        .map(|number| format!("...g{number} @include(if: true)"))
        .collect::<String>();
    let cases = [
        (format!("{{{aliases}}}"), "TOKEN_LIMIT_EXCEEDED"),
        (
            format!("{}{}", "{ people ".repeat(10_000), "}".repeat(10_000)),
            "DEPTH_LIMIT_EXCEEDED",
        ),
        (
            format!("{}id{}", "{ loans { painting ".repeat(6), "}".repeat(12)),
            "DEPTH_LIMIT_EXCEEDED",
        ),
        (format!("{{{fields}}}"), "ROOT_FIELD_LIMIT_EXCEEDED"),
        (
            format!("{bomb} fragment f30 on Query {{ motto }}"),
            "ROOT_FIELD_LIMIT_EXCEEDED",
        ),
        ("{ paintings(first: 1001) { id } }".to_owned(), "COST_LIMIT_EXCEEDED"),
        (
            "{ paintings(first: 2147483647) { loans(first: 2147483647) { id days } } }".to_owned(),
            "COST_LIMIT_EXCEEDED",
        ),
        (
            format!("{{ motto {} }}", "@include(if: true) ".repeat(6)),
            "DIRECTIVE_LIMIT_EXCEEDED",
        ),
        (
            format!("query {} {{ motto }}", "@x ".repeat(300)),
            "DIRECTIVE_LIMIT_EXCEEDED",
        ),
        (format!("{{ {spread} }}"), "GRAPHQL_VALIDATION_FAILED"),
        (
            "{ people { ...a } } fragment a on Person { ...b } fragment b on Person { ...a }".to_owned(),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "subscription { people { id } }".to_owned(),
            "SUBSCRIPTIONS_NOT_SUPPORTED",
        ),
        ("{ people { id }".to_owned(), "GRAPHQL_PARSE_FAILED"),
        ("".to_owned(), "GRAPHQL_PARSE_FAILED"),
        ("\u{0}".to_owned(), "GRAPHQL_PARSE_FAILED"),
        ("{ motto(\u{0}) }".to_owned(), "GRAPHQL_PARSE_FAILED"),
        (format!("{{ motto #{} \n}}", "x".repeat(100_001)), "REQUEST_TOO_LARGE"),
        ("fragment a on Person { id }".to_owned(), "OPERATION_RESOLUTION_FAILURE"),
        (
            "query A { motto } query B { motto }".to_owned(),
            "OPERATION_RESOLUTION_FAILURE",
        ),
        ("{ nothing }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
    ];
    for (query, expected) in cases {
        let answer = museum.query(&query).await;
        assert_eq!(
            code(&answer),
            expected,
            "{}: {answer}",
            query.chars().take(80).collect::<String>()
        );
    }
    assert!(museum.asked().is_empty());
}

#[tokio::test]
async fn the_cost_of_variables_counts_for_a_query_that_is_known() {
    let museum = Museum::new();
    let query = "query ($first: Int!) { paintings(first: $first) { id } }";
    let asked = |first: Value| json!({"query": query, "variables": {"first": first}});
    assert!(museum.answer(asked(json!(2))).await.get("data").is_some());
    assert_eq!(code(&museum.answer(asked(json!(5_000))).await), "COST_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn variables_of_another_type_are_refused_by_their_place() {
    let museum = Museum::new();
    let query = "mutation ($person: NewPerson!) { addPerson(person: $person) }";
    let cases = [
        (json!({}), "$person: a value is required"),
        (json!({"person": null}), "$person: null is not allowed"),
        (json!({"person": "secret"}), "$person: expected an object of NewPerson"),
        (json!({"person": {}}), "$person.name: a value is required"),
        (json!({"person": {"name": 1}}), "$person.name: expected a text"),
        (
            json!({"person": {"name": "a", "tags": ["b", 2]}}),
            "$person.tags[1]: expected a text",
        ),
        (
            json!({"person": {"name": "a", "secret": 2}}),
            "$person: has a field that NewPerson does not have",
        ),
    ];
    for (variables, expected) in cases {
        let answer = museum.answer(json!({"query": query, "variables": variables})).await;
        assert_eq!(answer["errors"][0]["message"], expected);
        assert_eq!(code(&answer), "BAD_USER_INPUT");
    }
    // One value stands for a list of one.
    let answer = museum
        .answer(json!({"query": query, "variables": {"person": {"name": "a", "tags": "b"}}}))
        .await;
    assert_eq!(answer["data"]["addPerson"], "a (1)");
}

#[tokio::test]
async fn planning_ends_at_its_limit() {
    let limits = GraphLimits::default().planning(std::time::Duration::ZERO);
    let museum = Museum::with(GraphSettings::default().limits(limits));
    assert_eq!(
        code(&museum.query("{ paintings { loans { id } } }").await),
        "QUERY_PLANNING_TIMEOUT"
    );
}

#[tokio::test]
async fn the_schema_and_its_names_are_not_shown_unless_set() {
    let museum = Museum::with(GraphSettings::default());
    for query in [
        "{ __schema { types { name } } }",
        "{ motto ...a } fragment a on Query { __type(name: \"Person\") { name } }",
    ] {
        assert_eq!(code(&museum.query(query).await), "INTROSPECTION_DISABLED");
    }
    let query = "{ painting(id: \"w1\", idd: 1) { titel } paintings }";
    let hidden = museum.query(query).await;
    assert!(!hidden.to_string().contains("Did you mean"), "{hidden}");
    assert_eq!(
        museum.query("{ __typename }").await,
        json!({"data": {"__typename": "Query"}})
    );
    let shown = Museum::new().query(query).await;
    assert!(shown.to_string().contains("Did you mean"), "{shown}");
}

#[tokio::test]
async fn tools_get_the_schema_where_it_is_shown() {
    let museum = Museum::new();
    let kind = "kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }";
    let query = format!(
        "{{ __schema {{ queryType {{ name }} types {{ kind name description fields(includeDeprecated: true) {{ name args {{ name \
         type {{ {kind} }} defaultValue }} type {{ {kind} }} isDeprecated deprecationReason }} inputFields {{ name type {{ {kind} }} }} \
         interfaces {{ {kind} }} enumValues(includeDeprecated: true) {{ name }} possibleTypes {{ {kind} }} }} \
         directives {{ name locations args {{ name }} }} }} }}"
    );
    let answer = museum.query(&query).await;
    assert_eq!(errors(&answer), []);
    let types = answer["data"]["__schema"]["types"].as_array().unwrap();
    let names: Vec<&str> = types.iter().filter_map(|kind| kind["name"].as_str()).collect();
    assert!(names.contains(&"Painting") && names.contains(&"__Type"), "{names:?}");
    assert!(
        names
            .iter()
            .all(|name| !name.starts_with("join__") && !name.starts_with("link__")),
        "{names:?}"
    );
    let deep = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }";
    assert_eq!(code(&museum.query(deep).await), "DEPTH_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn only_trusted_documents_are_answered_where_there_is_a_list() {
    let hash = "9ad1f9f8d3cc3a1cba3e1dc2da79ea7e22f9bd2ec4ad2cc5f9cd5d2fb3a2e8f0";
    assert!(TrustedDocuments::parse(&json!({hash: "{ motto }"}).to_string()).is_err());
    let hash = sha256("{ motto }");
    let trusted = TrustedDocuments::parse(&json!({&hash: "{ motto }"}).to_string()).unwrap();
    let museum = Museum::with(GraphSettings::default().introspection(true).trusted(Some(trusted)));
    for request in [
        json!({"query": "{ motto }"}),
        json!({"documentId": hash}),
        json!({"documentId": format!("sha256:{hash}")}),
        json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash}}}),
    ] {
        assert_eq!(museum.answer(request).await, json!({"data": {"motto": "Look"}}));
    }
    for request in [
        json!({"query": "{ people { id } }"}),
        json!({"query": "{ motto }", "documentId": "abc"}),
        json!({"query": "{ __schema { queryType { name } } }"}),
        json!({}),
    ] {
        assert_eq!(code(&museum.answer(request).await), "UNKNOWN_DOCUMENT");
    }
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
