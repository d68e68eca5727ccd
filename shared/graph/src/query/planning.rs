use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use graphql_tools::static_graphql::query::Document;
use hive_router_query_planner::ast::normalization::normalize_operation;
use hive_router_query_planner::graph::PlannerOverrideContext;
use hive_router_query_planner::planner::plan_nodes::QueryPlan;
use hive_router_query_planner::planner::{Planner, PlannerError};
use hive_router_query_planner::utils::cancellation::{CancellationError, CancellationToken};
use tracing::error;

use super::meta::without_meta;
use crate::codes;
use crate::error::GraphError;

/// The plan of a validated operation; nothing when no subgraph is needed.
///
/// The planner's sources hold `unwrap`s. A query that meets one costs that query, not the process.
pub(super) fn plan(
    planner: &Planner,
    document: &Document,
    operation_name: Option<&str>,
    limit: Duration,
) -> Result<Option<QueryPlan>, GraphError> {
    let planned = catch_unwind(AssertUnwindSafe(|| planned(planner, document, operation_name, limit)));
    planned.unwrap_or_else(|_| {
        error!("the planner panicked at a query, which was answered with an error");
        Err(failed())
    })
}

fn planned(
    planner: &Planner,
    document: &Document,
    operation_name: Option<&str>,
    limit: Duration,
) -> Result<Option<QueryPlan>, GraphError> {
    let normalised = normalize_operation(&planner.supergraph, document, operation_name).map_err(|failure| {
        error!(error = %failure, "a validated query was not normalised");
        failed()
    })?;
    let mut operation = normalised.operation;
    without_meta(&mut operation.selection_set);
    if operation.selection_set.is_empty() {
        return Ok(None);
    }
    let until = CancellationToken::with_timeout(limit);
    let plan = planner.plan_from_normalized_operation(&operation, PlannerOverrideContext::default(), &until);
    plan.map(Some).map_err(|failure| match failure {
        failure if is_timeout(&failure) => GraphError::new(
            codes::PLANNING_TIMEOUT,
            format!(
                "the query was not planned within {} ms; ask for less at once",
                limit.as_millis()
            ),
        ),
        failure => {
            error!(error = %failure, "a validated query was not planned");
            failed()
        }
    })
}

/// Each stage of the planner wraps the end of its time in an error of its own, whose types are private.
fn is_timeout(failure: &PlannerError) -> bool {
    failure.to_string().ends_with(&CancellationError::TimedOut.to_string())
}

fn failed() -> GraphError {
    GraphError::new(
        codes::PLANNING,
        "no plan was found for the query; the log has the reason",
    )
}
