//! Supergraphs, and what does not fit them.

use std::sync::Arc;

use onecommit_environment::Environment;
use onecommit_graph::{
    Caller, Clients, Gateway, GraphSettings, SubgraphError, SubgraphRequest, Subgraphs, Supergraph, SupergraphError,
};
use serde_json::{Value, json};

use crate::museum::{Instead, Museum, SUPERGRAPH, errors};
use crate::subgraphs;

#[test]
fn the_schemas_that_it_is_composed_of_are_the_subgraphs_own() {
    for name in subgraphs::NAMES {
        let file = format!("{}/tests/museum/{name}.graphql", env!("CARGO_MANIFEST_DIR"));
        let kept = std::fs::read_to_string(file).unwrap();
        assert_eq!(
            kept,
            subgraphs::sdl(name),
            "compose the supergraph again: docs/graph.md"
        );
    }
}

#[test]
fn what_is_not_a_supergraph_is_refused() {
    assert!(matches!(Supergraph::parse("type {"), Err(SupergraphError::Syntax(_))));
    for text in ["", "type Query { a: Int }", "enum join__Graph { A }"] {
        assert!(
            matches!(
                Supergraph::parse(text),
                Err(SupergraphError::NotComposed(_) | SupergraphError::Syntax(_))
            ),
            "{text}"
        );
    }
    let names: Vec<String> = Supergraph::parse(SUPERGRAPH)
        .unwrap()
        .subgraphs()
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(names, subgraphs::NAMES);
}

#[test]
fn a_subgraph_without_a_client_is_named_at_the_start() {
    let environment = Environment::system();
    let clients = Arc::new(Clients::new(environment.clone()));
    let supergraph = Supergraph::parse(SUPERGRAPH).unwrap();
    let error = Gateway::new(supergraph, clients, GraphSettings::default(), environment).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the supergraph has subgraphs without a client: loans, people, ratings, works; name an address for each"
    );
}

#[tokio::test]
async fn a_supergraph_that_does_not_fit_its_subgraphs_is_an_error_at_the_field() {
    let museum = Museum::new();
    let unknown = json!({"data": null, "errors": [{"message": "Cannot query field \"name\" on type \"Person\"."}]});
    museum.set("people", Instead::Body(unknown.to_string()));
    let answer = museum.query("{ motto: __typename person(id: \"p1\") { name } }").await;
    assert_eq!(answer["data"], json!({"motto": "Query", "person": null}));
    assert_eq!(
        errors(&answer),
        [("SUBREQUEST_FAILED".to_owned(), r#"["person"]"#.to_owned())]
    );
    assert!(!answer.to_string().contains("Cannot query"));
}

/// A limit of the planner that depends on names; docs/graph.md says how to name subgraphs.
#[tokio::test]
async fn an_interface_object_reaches_object_types_of_a_subgraph_that_sorts_before() {
    let query = "{ best { ... on Painting { title weight } ... on Sculpture { material } } }";
    let environment = Environment::system();
    let renamed = SUPERGRAPH
        .replace("WORKS", "ART")
        .replace("name: \"works\"", "name: \"art\"");
    let plan = |supergraph: &str| {
        let supergraph = Supergraph::parse(supergraph).unwrap();
        let gateway = Gateway::new(
            supergraph,
            Arc::new(Everything),
            GraphSettings::default(),
            environment.clone(),
        );
        gateway.unwrap().plan(query, None)
    };
    assert!(plan(&renamed).is_ok());
    let refused = plan(SUPERGRAPH).map_err(|errors| errors[0].code().to_owned());
    assert_eq!(
        refused,
        Err("QUERY_PLANNING_FAILED".to_owned()),
        "the planner was cured: take the limit out of docs/graph.md"
    );
}

/// Subgraphs that nobody asks, of any name.
struct Everything;

#[async_trait::async_trait]
impl Subgraphs for Everything {
    fn knows(&self, _subgraph: &str) -> bool {
        true
    }

    async fn ask(&self, _: &str, _: SubgraphRequest<'_>, _: &Caller) -> Result<Value, SubgraphError> {
        Err(SubgraphError::NotTried("there is none".into()))
    }
}
