use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, join_all};
use hive_router_query_planner::ast::operation::SubgraphFetchOperation;
use hive_router_query_planner::planner::plan_nodes::{
    BatchFetchNode, ConditionNode, FetchNode, FlattenNode, FlattenNodePath, PlanNode, QueryPlan,
};
use hive_router_query_planner::state::supergraph_state::OperationKind;
use onecommit_client::Deadline;
use onecommit_environment::Environment;
use serde_json::{Map, Value};
use tracing::{error, warn};

use super::answer::{Answer, Reported, read};
use super::failures::Failures;
use super::keys::keys;
use super::lots::{Lot, Representations, Wanted, below, collect};
use super::merge::{merge, merge_objects};
use super::places::{at, visit};
use super::rewrites;
use crate::caller::Caller;
use crate::codes;
use crate::error::{GraphError, Segment};
use crate::possible_types::PossibleTypes;
use crate::subgraphs::{SubgraphError, SubgraphRequest, Subgraphs};

/// One query at work.
pub(crate) struct Run<'a> {
    pub(crate) types: &'a PossibleTypes,
    pub(crate) subgraphs: &'a dyn Subgraphs,
    pub(crate) caller: &'a Caller,
    pub(crate) deadline: Deadline,
    pub(crate) variables: &'a Map<String, Value>,
    pub(crate) environment: &'a Environment,
}

impl Run<'_> {
    /// Carries a plan out: everything that was fetched, and what failed.
    pub(crate) async fn carry_out(self, plan: &QueryPlan) -> (Map<String, Value>, Failures) {
        let steps = Steps {
            run: self,
            state: Mutex::default(),
        };
        if let Some(node) = &plan.node {
            steps.node(node).await;
        }
        let State { data, failures } = steps.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        match data {
            Value::Object(data) => (data, failures),
            _ => (Map::new(), failures),
        }
    }
}

struct Steps<'a> {
    run: Run<'a>,
    /// Never locked over an await.
    state: Mutex<State>,
}

struct State {
    data: Value,
    failures: Failures,
}

impl Default for State {
    fn default() -> Self {
        Self {
            data: Value::Object(Map::new()),
            failures: Failures::default(),
        }
    }
}

impl Steps<'_> {
    fn node<'s>(&'s self, node: &'s PlanNode) -> BoxFuture<'s, ()> {
        Box::pin(async move {
            match node {
                PlanNode::Fetch(fetch) => self.fetch(fetch, None).await,
                PlanNode::BatchFetch(batch) => self.batch(batch).await,
                PlanNode::Flatten(flatten) => self.flatten(flatten).await,
                PlanNode::Condition(condition) => {
                    if let Some(node) = self.chosen(condition) {
                        self.node(node).await;
                    }
                }
                PlanNode::Sequence(sequence) => {
                    for node in &sequence.nodes {
                        self.node(node).await;
                    }
                }
                PlanNode::Parallel(parallel) => {
                    join_all(parallel.nodes.iter().map(|node| self.node(node))).await;
                }
                PlanNode::Subscription(_) | PlanNode::Defer(_) => self.unexpected(),
            }
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn chosen<'s>(&self, condition: &'s ConditionNode) -> Option<&'s PlanNode> {
        let is_true = self.run.variables.get(&condition.condition) == Some(&Value::Bool(true));
        let clause = if is_true {
            &condition.if_clause
        } else {
            &condition.else_clause
        };
        clause.as_deref()
    }

    fn unexpected(&self) {
        error!("the planner made a step that a query does not have");
        let message = "the query was not carried out; the log has the reason";
        self.state().failures.add(GraphError::new(codes::INTERNAL, message));
    }

    async fn flatten(&self, flatten: &FlattenNode) {
        let PlanNode::Fetch(fetch) = &*flatten.node else {
            return self.unexpected();
        };
        match &fetch.requires {
            None => self.fetch(fetch, Some(&flatten.path)).await,
            Some(requires) => {
                let wanted = vec![Wanted::of_fetch(fetch, requires, &flatten.path)];
                let request = Request {
                    subgraph: &fetch.service_name,
                    operation: &fetch.operation,
                    usages: fetch.variable_usages.as_ref(),
                };
                self.entities(wanted, request).await;
            }
        }
    }

    async fn batch(&self, batch: &BatchFetchNode) {
        let request = Request {
            subgraph: &batch.service_name,
            operation: &batch.operation,
            usages: batch.variable_usages.as_ref(),
        };
        self.entities(Wanted::of_batch(batch), request).await;
    }

    /// Fetches root fields: into the answer itself, or into each object of a path, where a field of an object leads back to
    /// the root.
    async fn fetch(&self, fetch: &FetchNode, path: Option<&FlattenNodePath>) {
        let mut places = vec![Vec::new()];
        if let Some(path) = path {
            places.clear();
            let state = self.state();
            visit(
                &state.data,
                path.as_slice(),
                self.run.types,
                &mut Vec::new(),
                &mut |_, place| {
                    places.push(place.to_vec());
                },
            );
        }
        if places.is_empty() {
            return;
        }
        let rewrites = fetch.output_rewrites.as_deref().unwrap_or_default();
        let keys = keys(&fetch.operation.document.operation.selection_set, rewrites);
        let request = Request {
            subgraph: &fetch.service_name,
            operation: &fetch.operation,
            usages: fetch.variable_usages.as_ref(),
        };
        let is_mutation = matches!(fetch.operation_kind, Some(OperationKind::Mutation));
        let answer = self.ask(&request, Map::new(), is_mutation).await;
        let mut state = self.state();
        let state = &mut *state;
        let Answer { data, errors } = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let failure = state.failures.add(error);
                return fail(&mut state.failures, &places, &keys, failure);
            }
        };
        if data.is_empty() {
            // A null where none is allowed took the other fields of the request along.
            for (place, key) in places.iter().flat_map(|place| keys.iter().map(move |key| (place, key))) {
                state.failures.explain(below(place, key));
            }
        }
        let mut data = Value::Object(data);
        rewrites::apply(rewrites, self.run.types, &mut data);
        let Value::Object(data) = data else { return };
        for place in &places {
            match at(&mut state.data, place) {
                Some(Value::Object(target)) => merge_objects(target, data.clone(), self.run.types),
                _ => continue,
            }
        }
        for reported in errors {
            let failure = state.failures.add(error_of(request.subgraph, &reported));
            match reported.path {
                Some(path) => {
                    for place in &places {
                        state.failures.at([place.as_slice(), &path].concat(), failure);
                    }
                }
                None => fail(&mut state.failures, &places, &keys, failure),
            }
        }
    }

    /// Fetches fields of entities, all of one request at once.
    async fn entities(&self, wanted: Vec<Wanted<'_>>, request: Request<'_>) {
        let (lots, mut representations) = {
            let mut state = self.state();
            let State { data, failures } = &mut *state;
            collect(wanted, data, self.run.types, failures)
        };
        if representations.is_empty() {
            return;
        }
        let mut variables = Map::new();
        for lot in &lots {
            // An alias without entities is part of the query nevertheless.
            variables.insert(lot.variable.to_owned(), Value::Array(Vec::new()));
        }
        representations.move_into(&mut variables);
        let answer = self.ask(&request, variables, false).await;
        let mut state = self.state();
        let state = &mut *state;
        match answer {
            Err(error) => {
                let failure = state.failures.add(error);
                for lot in &lots {
                    lot.fail(&mut state.failures, failure);
                }
            }
            Ok(answer) => self.take(state, &lots, &representations, answer, request.subgraph),
        }
    }

    fn take(
        &self,
        state: &mut State,
        lots: &[Lot<'_>],
        representations: &Representations<'_>,
        mut answer: Answer,
        subgraph: &str,
    ) {
        let has_errors = !answer.errors.is_empty();
        for lot in lots.iter().filter(|lot| !lot.places.is_empty()) {
            let asked = representations.len(lot.variable);
            match answer.data.remove(lot.alias) {
                Some(Value::Array(entities)) if entities.len() == asked => {
                    self.put(&mut state.data, lot, entities);
                }
                // The errors say why it is not there.
                None | Some(Value::Null) if has_errors => {}
                _ => {
                    warn!(
                        subgraph.name = subgraph,
                        "a subgraph did not answer with one entity for each that it was asked for"
                    );
                    let failure = state.failures.add(unreadable(subgraph));
                    lot.fail(&mut state.failures, failure);
                }
            }
        }
        for reported in answer.errors {
            let failure = state.failures.add(error_of(subgraph, &reported));
            for lot in lots {
                match reported.path.as_deref() {
                    Some([Segment::Key(alias), Segment::Index(number), rest @ ..]) if alias == lot.alias => {
                        lot.fail_one(&mut state.failures, *number, rest, failure);
                    }
                    Some([Segment::Key(alias), ..])
                        if lots.iter().any(|lot| lot.alias == alias) && alias != lot.alias => {}
                    _ => lot.fail(&mut state.failures, failure),
                }
            }
        }
    }

    fn put(&self, data: &mut Value, lot: &Lot<'_>, mut entities: Vec<Value>) {
        for entity in &mut entities {
            rewrites::apply(lot.output_rewrites, self.run.types, entity);
        }
        for (number, place) in &lot.places {
            if let (Some(target), Some(entity)) = (at(data, place), entities.get(*number)) {
                merge(target, entity.clone(), self.run.types);
            }
        }
    }

    async fn ask(
        &self,
        request: &Request<'_>,
        mut variables: Map<String, Value>,
        is_mutation: bool,
    ) -> Result<Answer, GraphError> {
        for name in request.usages.into_iter().flatten() {
            if let Some(value) = self.run.variables.get(name) {
                variables.insert(name.clone(), value.clone());
            }
        }
        let subgraph = request.subgraph;
        let request = SubgraphRequest {
            query: &request.operation.document_str,
            variables: &variables,
            is_mutation,
        };
        let asked = self.run.subgraphs.ask(subgraph, request, self.run.caller);
        let remaining = self.run.deadline.remaining(self.run.environment.clock());
        let answer = self.run.environment.within(remaining, asked).await;
        let answer = answer.unwrap_or_else(|| Err(SubgraphError::TimedOut("the time for the query is over".into())));
        match answer {
            Ok(body) => read(body).ok_or_else(|| {
                warn!(
                    subgraph.name = subgraph,
                    "a subgraph's answer is not a GraphQL response"
                );
                unreadable(subgraph)
            }),
            Err(failure) => {
                let cause = std::error::Error::source(&failure).map(ToString::to_string);
                warn!(subgraph.name = subgraph, error = %failure, cause, "a subgraph gave no answer");
                Err(GraphError::new(failure.code(), failure.to_string()).of_subgraph(subgraph))
            }
        }
    }
}

/// A request of a plan.
struct Request<'a> {
    subgraph: &'a str,
    operation: &'a SubgraphFetchOperation,
    usages: Option<&'a BTreeSet<String>>,
}

impl Lot<'_> {
    /// Notes that no entity of it came.
    fn fail(&self, failures: &mut Failures, failure: usize) {
        for (_, place) in &self.places {
            for key in &self.keys {
                failures.at(below(place, key), failure);
            }
        }
    }

    /// Notes what failed of one entity, in each place that waits for it.
    fn fail_one(&self, failures: &mut Failures, number: usize, rest: &[Segment], failure: usize) {
        for (_, place) in self.places.iter().filter(|(own, _)| *own == number) {
            if rest.is_empty() {
                for key in &self.keys {
                    failures.at(below(place, key), failure);
                }
            } else {
                failures.at([place.as_slice(), rest].concat(), failure);
            }
        }
    }
}

fn fail(failures: &mut Failures, places: &[Vec<Segment>], keys: &[String], failure: usize) {
    for place in places {
        for key in keys {
            failures.at(below(place, key), failure);
        }
    }
}

fn unreadable(subgraph: &str) -> GraphError {
    let message = "the subgraph's answer is not one that can be read";
    GraphError::new(codes::SUBREQUEST_INVALID, message).of_subgraph(subgraph)
}

/// An error that a subgraph reported. Words without a code were not written for callers.
fn error_of(subgraph: &str, reported: &Reported) -> GraphError {
    let error = match &reported.words {
        Some((code, message)) => GraphError::new(code, message.clone()),
        None => GraphError::new(codes::SUBREQUEST_FAILED, "the subgraph reported an error"),
    };
    error.of_subgraph(subgraph)
}
