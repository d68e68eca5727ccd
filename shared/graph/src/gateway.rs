use std::sync::Arc;

use onecommit_client::Deadline;
use onecommit_environment::Environment;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::codes;
use crate::error::GraphError;
use crate::execute::{Failures, Run};
use crate::project::{View, view};
use crate::query::{PlanCache, Preparation, Prepared, coerce};
use crate::settings::GraphSettings;
use crate::subgraphs::{Subgraphs, unknown};
use crate::supergraph::Supergraph;

/// Answers queries over a supergraph.
pub struct Gateway {
    supergraph: Supergraph,
    subgraphs: Arc<dyn Subgraphs>,
    settings: GraphSettings,
    preparation: Preparation,
    prepared: PlanCache,
    environment: Environment,
}

/// A query that may be answered, and the values of its variables.
type Admitted = (Arc<Prepared>, Map<String, Value>);

/// Subgraphs of a supergraph that cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the supergraph has subgraphs without a client: {}; name an address for each", .0.join(", "))]
pub struct UnknownSubgraphs(Vec<String>);

/// A request of GraphQL.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphRequest {
    /// The query; not needed with the hash of a trusted document.
    #[serde(default)]
    pub query: Option<String>,
    /// Which of the query's operations.
    #[serde(default)]
    pub operation_name: Option<String>,
    /// The values of its variables.
    #[serde(default)]
    pub variables: Option<Map<String, Value>>,
    /// The hash of a trusted document.
    #[serde(default)]
    pub document_id: Option<String>,
    /// Further members; `persistedQuery.sha256Hash` is a hash of a trusted document, too.
    #[serde(default)]
    pub extensions: Option<Map<String, Value>>,
}

impl GraphRequest {
    fn hash(&self) -> Option<&str> {
        let persisted = || {
            self.extensions
                .as_ref()?
                .get("persistedQuery")?
                .get("sha256Hash")?
                .as_str()
        };
        self.document_id.as_deref().or_else(persisted)
    }
}

/// Which operations a request may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operations {
    /// Queries and mutations.
    All,
    /// Queries alone, as with `GET`, which others may repeat or send on somebody's behalf.
    Queries,
}

/// An answer.
#[derive(Debug)]
pub enum GraphAnswer {
    /// The request was not carried out.
    Refused(Vec<GraphError>),
    /// The request was carried out. Some of it may have failed.
    Answered {
        /// The data, as JSON; its fields have the order of the query.
        data: Box<RawValue>,
        /// What failed, each with its place.
        errors: Vec<GraphError>,
    },
}

impl Gateway {
    /// A gateway. No subgraph is asked before there is a query, so it starts with all of them down.
    ///
    /// # Errors
    /// When a subgraph of the supergraph cannot be asked at all.
    pub fn new(
        supergraph: Supergraph,
        subgraphs: Arc<dyn Subgraphs>,
        settings: GraphSettings,
        environment: Environment,
    ) -> Result<Self, UnknownSubgraphs> {
        let unknown = unknown(&supergraph, &*subgraphs);
        if !unknown.is_empty() {
            return Err(UnknownSubgraphs(unknown));
        }
        Ok(Self {
            preparation: Preparation::new(settings.limits, settings.shows_schema()),
            prepared: PlanCache::default(),
            supergraph,
            subgraphs,
            settings,
            environment,
        })
    }

    /// How it is set.
    #[must_use]
    pub fn settings(&self) -> &GraphSettings {
        &self.settings
    }

    /// The plan of a query in words: which subgraph is asked for what, after which.
    ///
    /// # Errors
    /// When the query is refused.
    pub fn plan(&self, query: &str, operation_name: Option<&str>) -> Result<String, Vec<GraphError>> {
        let prepared = self.prepared(query, operation_name, &Map::new())?;
        Ok(prepared.plan().map(ToString::to_string).unwrap_or_default())
    }

    /// Answers a request.
    pub async fn answer(&self, request: GraphRequest, operations: Operations, caller: &Caller) -> GraphAnswer {
        match self.admitted(&request, operations) {
            Ok((prepared, variables)) => self.carry_out(&prepared, &variables, caller).await,
            Err(errors) => GraphAnswer::Refused(errors),
        }
    }

    fn admitted(&self, request: &GraphRequest, operations: Operations) -> Result<Admitted, Vec<GraphError>> {
        let none = Map::new();
        let sent = request.variables.as_ref().unwrap_or(&none);
        let text = self.text(request).map_err(|error| vec![error])?;
        let prepared = self.prepared(text, request.operation_name.as_deref(), sent)?;
        if operations == Operations::Queries && prepared.is_mutation() {
            let message = "a mutation is sent with POST";
            return Err(vec![GraphError::new(codes::METHOD, message)]);
        }
        let variables = coerce(&self.supergraph.schema, prepared.variables(), sent)?;
        Ok((prepared, variables))
    }

    /// The text of the query, if it may be asked.
    fn text<'a>(&'a self, request: &'a GraphRequest) -> Result<&'a str, GraphError> {
        let query = request.query.as_deref();
        let Some(trusted) = &self.settings.trusted else {
            let missing = || GraphError::new(codes::BAD_REQUEST, "the request has no query");
            return query.ok_or_else(missing);
        };
        let listed = match (request.hash(), query) {
            (Some(hash), _) => trusted.text(hash),
            (None, Some(text)) => trusted.contains(text).then_some(text),
            (None, None) => None,
        };
        let unknown = "the query is not one of the trusted documents";
        listed.ok_or_else(|| GraphError::new(codes::UNKNOWN_DOCUMENT, unknown))
    }

    fn prepared(
        &self,
        text: &str,
        operation: Option<&str>,
        variables: &Map<String, Value>,
    ) -> Result<Arc<Prepared>, Vec<GraphError>> {
        if text.len() > self.settings.limits.bytes {
            let message = format!("the query is longer than {} bytes", self.settings.limits.bytes);
            return Err(vec![GraphError::new(codes::BYTES, message)]);
        }
        if let Some(prepared) = self.prepared.get(text, operation) {
            prepared
                .check(variables, &self.settings.limits)
                .map_err(|error| vec![error])?;
            return Ok(prepared);
        }
        let prepared = self.preparation.prepare(&self.supergraph, text, operation, variables)?;
        let prepared = Arc::new(prepared);
        self.prepared.keep(text, operation, &prepared);
        Ok(prepared)
    }

    async fn carry_out(&self, prepared: &Prepared, variables: &Map<String, Value>, caller: &Caller) -> GraphAnswer {
        let deadline = caller.deadline.unwrap_or_else(Deadline::none);
        let deadline = deadline.within(self.settings.limits.answer_within, self.environment.clock());
        let caller = Caller {
            deadline: Some(deadline),
            ..caller.clone()
        };
        let (data, failures) = match prepared.plan() {
            Some(plan) => {
                let run = Run {
                    types: &self.supergraph.possible_types,
                    subgraphs: &*self.subgraphs,
                    caller: &caller,
                    deadline,
                    variables,
                    environment: &self.environment,
                };
                run.carry_out(plan).await
            }
            None => (Map::new(), Failures::default()),
        };
        let schema = &self.supergraph.schema;
        let root = match (prepared.is_mutation(), &schema.mutation) {
            (true, Some(mutation)) => mutation,
            _ => &schema.query,
        };
        let Some(selections) = prepared.selections() else {
            return GraphAnswer::Refused(Vec::new());
        };
        let shown = View {
            schema,
            document: prepared.document(),
            selections,
            variables,
            root,
        };
        let (data, errors) = view(&shown, data, failures);
        GraphAnswer::Answered { data, errors }
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Gateway")
            .field("supergraph", &self.supergraph)
            .finish_non_exhaustive()
    }
}
