use graphql_tools::static_graphql::query::{
    Definition, Document, OperationDefinition, SelectionSet, VariableDefinition,
};
use graphql_tools::validation::rules::default_rules_validation_plan;
use graphql_tools::validation::validate::{ValidationPlan, validate};
use hive_router_query_planner::planner::plan_nodes::QueryPlan;
use hive_router_query_planner::utils::parsing::safe_parse_operation_with_token_limit;
use serde_json::{Map, Value as Json};

use super::measure;
use super::meta::asks_for_schema;
use super::planning::plan;
use crate::codes;
use crate::error::{GraphError, Location};
use crate::limits::GraphLimits;
use crate::supergraph::Supergraph;

/// The most errors of one query, and the longest of one, in characters.
const ERRORS_MAX: usize = 10;
const WORDS_MAX: usize = 300;

/// An operation that may be answered, with its plan.
pub(crate) struct Prepared {
    document: Document,
    /// Where in the document the operation stands.
    position: usize,
    plan: Option<QueryPlan>,
}

impl Prepared {
    fn operation(&self) -> Option<&OperationDefinition> {
        match self.document.definitions.get(self.position) {
            Some(Definition::Operation(operation)) => Some(operation),
            _ => None,
        }
    }

    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    pub(crate) fn plan(&self) -> Option<&QueryPlan> {
        self.plan.as_ref()
    }

    pub(crate) fn is_mutation(&self) -> bool {
        matches!(self.operation(), Some(OperationDefinition::Mutation(_)))
    }

    pub(crate) fn selections(&self) -> Option<&SelectionSet> {
        self.operation().map(OperationDefinition::selection_set)
    }

    pub(crate) fn variables(&self) -> &[VariableDefinition] {
        self.operation().map_or(&[], OperationDefinition::variable_definitions)
    }

    /// Refuses it when it costs too much with these variables.
    pub(crate) fn check(&self, variables: &Map<String, Json>, limits: &GraphLimits) -> Result<(), GraphError> {
        match self.operation() {
            Some(operation) => measure::check(&self.document, operation, variables, limits),
            None => Ok(()),
        }
    }
}

/// What prepares queries.
pub(crate) struct Preparation {
    rules: ValidationPlan,
    limits: GraphLimits,
    /// Whether the schema may be asked for; names that exist are suggested then, too.
    shows_schema: bool,
}

impl Preparation {
    pub(crate) fn new(limits: GraphLimits, shows_schema: bool) -> Self {
        Self {
            rules: default_rules_validation_plan(),
            limits,
            shows_schema,
        }
    }

    /// From the cheapest step to the dearest, so that what is refused costs little.
    pub(crate) fn prepare(
        &self,
        supergraph: &Supergraph,
        text: &str,
        operation_name: Option<&str>,
        variables: &Map<String, Json>,
    ) -> Result<Prepared, Vec<GraphError>> {
        let document = self.parse(text).map_err(|error| vec![error])?;
        let position = position(&document, operation_name).map_err(|error| vec![error])?;
        let prepared = Prepared {
            document,
            position,
            plan: None,
        };
        if matches!(prepared.operation(), Some(OperationDefinition::Subscription(_))) {
            let message = "subscriptions are not answered; ask for the value with a query";
            return Err(vec![GraphError::new(codes::SUBSCRIPTIONS, message)]);
        }
        prepared.check(variables, &self.limits).map_err(|error| vec![error])?;
        if !self.shows_schema && asks_for_schema(&prepared.document) {
            let message = "the schema is not shown here";
            return Err(vec![GraphError::new(codes::INTROSPECTION, message)]);
        }
        self.validate(supergraph, &prepared.document)?;
        let planner = &supergraph.planner;
        let plan = plan(planner, &prepared.document, operation_name, self.limits.planning);
        Ok(Prepared {
            plan: plan.map_err(|error| vec![error])?,
            ..prepared
        })
    }

    fn parse(&self, text: &str) -> Result<Document, GraphError> {
        let parsed = safe_parse_operation_with_token_limit(text, self.limits.tokens);
        parsed.map_err(|error| {
            let at = Location {
                line: error.0.position.line,
                column: error.0.position.column,
            };
            let words = error.to_string();
            let is_about = |limit: &str| words.lines().any(|line| line == limit);
            if is_about("Token limit exceeded") {
                let message = format!(
                    "the query has more than {} tokens; ask for less at once",
                    self.limits.tokens
                );
                return GraphError::new(codes::TOKENS, message);
            }
            if is_about("Recursion limit exceeded") {
                return GraphError::new(codes::DEPTH, "the query is nested too deeply to be read");
            }
            GraphError::new(codes::PARSE, short(&words.replace('\n', "; "))).located(vec![at])
        })
    }

    fn validate(&self, supergraph: &Supergraph, document: &Document) -> Result<(), Vec<GraphError>> {
        let found = validate(&supergraph.schema.document, document, &self.rules);
        if found.is_empty() {
            return Ok(());
        }
        let errors = found.into_iter().take(ERRORS_MAX).map(|error| {
            let message = match error.message.split_once(" Did you mean ") {
                Some((message, _)) if !self.shows_schema => message.to_owned(),
                _ => error.message,
            };
            let locations = error.locations.iter().map(|at| Location {
                line: at.line,
                column: at.column,
            });
            GraphError::new(codes::VALIDATION, short(&message)).located(locations.collect())
        });
        Err(errors.collect())
    }
}

fn short(words: &str) -> String {
    words
        .chars()
        .take(WORDS_MAX)
        .collect::<String>()
        .trim_end_matches("; ")
        .to_owned()
}

/// The operation of this name, or the only one.
fn position(document: &Document, name: Option<&str>) -> Result<usize, GraphError> {
    let operations = || {
        let all = document.definitions.iter().enumerate();
        all.filter_map(|(position, definition)| match definition {
            Definition::Operation(operation) => Some((position, operation)),
            Definition::Fragment(_) => None,
        })
    };
    let wrong = |message: &str| Err(GraphError::new(codes::OPERATION, message));
    match name {
        Some(name) => match operations().find(|(_, operation)| name_of(operation) == Some(name)) {
            Some((position, _)) => Ok(position),
            None => wrong("the query has no operation of the name in operationName"),
        },
        None => match (operations().next(), operations().nth(1)) {
            (Some((position, _)), None) => Ok(position),
            (None, _) => wrong("the query has no operation"),
            (Some(_), Some(_)) => wrong("the query has several operations; name one in operationName"),
        },
    }
}

fn name_of(operation: &OperationDefinition) -> Option<&str> {
    match operation {
        OperationDefinition::SelectionSet(_) => None,
        OperationDefinition::Query(query) => query.name.as_deref(),
        OperationDefinition::Mutation(mutation) => mutation.name.as_deref(),
        OperationDefinition::Subscription(subscription) => subscription.name.as_deref(),
    }
}
