//! What the same saga would be as a workflow of Step Functions.

use crate::prices::TRANSITION;

/// Steps of an order's saga.
pub(crate) const STEPS: usize = 5;
/// What the saga takes as a Standard workflow when all goes well, kept as small as can be: each step is one `Task` that sends
/// its command and waits for the callback (`.waitForTaskToken`), so waiting is no state of its own; refusals are `Catch`
/// clauses and deadlines `TimeoutSeconds`, which cost nothing until they are needed; the last task ends the workflow. AWS
/// counts a transition each time a step is executed.
pub(crate) const TRANSITIONS: usize = STEPS;

/// USD for a million finished sagas as Standard workflows.
pub(crate) fn step_functions_per_million() -> f64 {
    TRANSITIONS as f64 * TRANSITION.per_million_usd
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prices::dynamodb_per_million;

    #[test]
    fn prices_are_per_million_sagas() {
        assert!((step_functions_per_million() - 125.0).abs() < 1e-9);
        assert!((dynamodb_per_million(10.0, 2.0) - 6.5).abs() < 1e-9);
    }
}
