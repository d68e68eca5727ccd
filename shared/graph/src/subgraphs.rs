use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderValue;
use onecommit_client::{CallError, Client, Trouble};
use onecommit_environment::Environment;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::codes;
use crate::supergraph::Supergraph;

/// A request to a subgraph.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SubgraphRequest<'a> {
    /// The query, of the planner's making.
    pub query: &'a str,
    /// Its variables, the representations of entities among them.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub variables: &'a Map<String, Value>,
    /// Whether it changes something, so that it is not sent twice.
    #[serde(skip)]
    pub is_mutation: bool,
}

/// The port to the subgraphs.
#[async_trait]
pub trait Subgraphs: Send + Sync {
    /// Whether a subgraph of this name can be asked, whether or not it answers.
    fn knows(&self, subgraph: &str) -> bool;

    /// Asks a subgraph. The answer is a GraphQL response as JSON, whatever it holds.
    ///
    /// # Errors
    /// When there is no answer, or it is not JSON.
    async fn ask(&self, subgraph: &str, request: SubgraphRequest<'_>, caller: &Caller) -> Result<Value, SubgraphError>;
}

/// Why a subgraph gave no answer. Callers get the kind, the log the cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubgraphError {
    /// The time was over.
    #[error("the subgraph did not answer in time")]
    TimedOut(#[source] Source),
    /// It was not asked: its circuit is open, its bulkhead is full, no instance is healthy.
    #[error("the subgraph was not asked, because it does not work or has too much to do")]
    NotTried(#[source] Source),
    /// Its answer is not a GraphQL response: a page of a proxy, too much, something else.
    #[error("the subgraph's answer is not one that can be read")]
    Invalid(#[source] Source),
    /// It was not reached, or answered with an error status.
    #[error("the subgraph was not reached, or failed")]
    Failed(#[source] Source),
}

/// The cause of an error.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

impl SubgraphError {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::TimedOut(_) => codes::SUBREQUEST_TIMEOUT,
            Self::NotTried(_) => codes::SUBREQUEST_NOT_TRIED,
            Self::Invalid(_) => codes::SUBREQUEST_INVALID,
            Self::Failed(_) => codes::SUBREQUEST_FAILED,
        }
    }
}

impl From<CallError> for SubgraphError {
    fn from(error: CallError) -> Self {
        let kind: fn(Source) -> Self = match error.trouble() {
            Trouble::TimedOut(_) | Trouble::TooSlow(_) => Self::TimedOut,
            Trouble::NotTried(_) | Trouble::NoInstance(_) => Self::NotTried,
            Trouble::NotJson(_) | Trouble::TooLarge { .. } | Trouble::Drift(_) | Trouble::Redirected(_) => {
                Self::Invalid
            }
            _ => Self::Failed,
        };
        kind(error.into())
    }
}

/// Subgraphs over HTTP, one [`Client`] each: limits, retries, circuits and identities are those of the client's settings.
#[derive(Clone, Debug)]
pub struct Clients {
    clients: Arc<HashMap<String, Endpoint>>,
    environment: Environment,
}

#[derive(Clone, Debug)]
struct Endpoint {
    client: Client,
    path: String,
}

impl Clients {
    /// No subgraph yet.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self {
            clients: Arc::default(),
            environment,
        }
    }

    /// With the subgraph of this name, which answers at `path` below the client's address, such as `/graphql`.
    #[must_use]
    pub fn with(mut self, subgraph: impl Into<String>, client: Client, path: impl Into<String>) -> Self {
        let endpoint = Endpoint {
            client,
            path: path.into(),
        };
        Arc::make_mut(&mut self.clients).insert(subgraph.into(), endpoint);
        self
    }
}

#[async_trait]
impl Subgraphs for Clients {
    fn knows(&self, subgraph: &str) -> bool {
        self.clients.contains_key(subgraph)
    }

    async fn ask(&self, subgraph: &str, request: SubgraphRequest<'_>, caller: &Caller) -> Result<Value, SubgraphError> {
        let endpoint = self.clients.get(subgraph);
        let endpoint = endpoint.ok_or_else(|| SubgraphError::NotTried("it has no client".into()))?;
        let context = match caller.deadline {
            Some(deadline) => caller.context.clone().until(deadline),
            None => caller.context.clone(),
        };
        let client = endpoint.client.on_behalf_of(&context);
        let mut call = client.post::<Box<RawValue>>(&endpoint.path, &request).without_cache();
        for (name, value) in &caller.headers {
            call = call.header(name.as_str(), text(value));
        }
        if !request.is_mutation {
            // A query changes nothing, so it may be sent again.
            call = call.idempotency_key(&self.environment.ids().next().to_string());
        }
        let body = match call.await {
            Ok(body) => body,
            // A GraphQL response may have an error status.
            Err(error) => match error.body::<Box<RawValue>>() {
                Some(Ok(body)) if is_response(&body) => body,
                _ => return Err(error.into()),
            },
        };
        serde_json::from_str(body.get()).map_err(|error| SubgraphError::Invalid(error.into()))
    }
}

/// A value that is not text is left out by the client's own check, which refuses the call by the header's name.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or("\u{0}")
}

fn is_response(body: &RawValue) -> bool {
    let Ok(Value::Object(members)) = serde_json::from_str(body.get()) else {
        return false;
    };
    members.get("errors").is_some_and(Value::is_array)
}

/// The names of the subgraphs that cannot be asked.
pub(crate) fn unknown(supergraph: &Supergraph, subgraphs: &dyn Subgraphs) -> Vec<String> {
    let names = supergraph.subgraphs().map(|(name, _)| name);
    names.filter(|name| !subgraphs.knows(name)).map(str::to_owned).collect()
}
