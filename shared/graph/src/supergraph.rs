use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use graphql_tools::static_graphql::schema::{Definition, Document, TypeDefinition};
use hive_router_query_planner::planner::{Planner, QueryPlannerOptions};
use hive_router_query_planner::utils::parsing::safe_parse_schema;

use crate::possible_types::PossibleTypes;
use crate::schema::Schema;

/// What the subgraphs make together: the schema that callers see, and which field comes from which subgraph.
///
/// It is made by a composer when the system is built, not here: `docs/graph.md` in the repository.
pub struct Supergraph {
    pub(crate) planner: Planner,
    pub(crate) schema: Schema,
    pub(crate) possible_types: PossibleTypes,
    subgraphs: BTreeMap<String, String>,
}

/// A text that is not a supergraph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SupergraphError {
    /// It is not a schema document of GraphQL.
    #[error("the supergraph is not a GraphQL schema: {0}")]
    Syntax(String),
    /// It is a schema, but not one that a composer made.
    #[error("the supergraph {0}; compose it from the subgraphs again")]
    NotComposed(&'static str),
    /// The planner does not accept it.
    #[error("the supergraph is not accepted by the planner: {0}")]
    Planner(String),
}

impl Supergraph {
    /// Reads a composed supergraph, as `supergraph.graphql`.
    ///
    /// # Errors
    /// When the text is not one.
    pub fn parse(text: &str) -> Result<Self, SupergraphError> {
        let document = safe_parse_schema(text).map_err(|error| SupergraphError::Syntax(error.to_string()))?;
        check(&document)?;
        // The planner was written for supergraphs of a composer, and panics at others.
        let loaded = catch_unwind(AssertUnwindSafe(|| {
            Planner::new_from_supergraph(&document, QueryPlannerOptions::default())
        }));
        let planner = loaded
            .map_err(|_| SupergraphError::NotComposed("holds what no composer writes"))?
            .map_err(|error| SupergraphError::Planner(error.to_string()))?;
        let state = &planner.supergraph;
        let subgraphs = state.known_subgraphs.values().map(|name| {
            let address = state.subgraph_endpoint_map.get(name).cloned();
            (name.clone(), address.unwrap_or_default())
        });
        Ok(Self {
            schema: Schema::of(&planner.consumer_schema.document),
            possible_types: PossibleTypes::of(&planner.supergraph),
            subgraphs: subgraphs.collect(),
            planner,
        })
    }

    /// The names of the subgraphs, each with the address that the composer wrote for it, which may be empty.
    pub fn subgraphs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.subgraphs.iter().map(|(name, address)| (&**name, &**address))
    }
}

impl std::fmt::Debug for Supergraph {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Supergraph")
            .field("subgraphs", &self.subgraphs)
            .finish_non_exhaustive()
    }
}

/// What the planner takes for granted.
fn check(document: &Document) -> Result<(), SupergraphError> {
    let named = |name: &str| {
        document.definitions.iter().any(|definition| {
            matches!(definition, Definition::TypeDefinition(TypeDefinition::Enum(kind)) if kind.name == name)
        })
    };
    if !named("join__Graph") {
        return Err(SupergraphError::NotComposed("names no subgraphs (enum join__Graph)"));
    }
    let query = document.definitions.iter().find_map(|definition| match definition {
        Definition::SchemaDefinition(schema) => schema.query.as_deref(),
        _ => None,
    });
    let query = query.unwrap_or("Query");
    let has_query = document.definitions.iter().any(|definition| {
        matches!(definition, Definition::TypeDefinition(TypeDefinition::Object(kind)) if kind.name == query)
    });
    if has_query {
        Ok(())
    } else {
        Err(SupergraphError::NotComposed("has no query type"))
    }
}
