//! List prices in us-east-1, for reference.

/// <https://aws.amazon.com/step-functions/pricing/>: a Standard workflow's state transitions.
const USD_PER_TRANSITION: f64 = 0.025 / 1_000.0;
/// <https://aws.amazon.com/dynamodb/pricing/on-demand/>
const USD_PER_WRITE_UNIT: f64 = 0.625 / 1e6;
/// The same page.
const USD_PER_READ_UNIT: f64 = 0.125 / 1e6;

/// Steps of an order's saga.
pub(crate) const STEPS: usize = 5;
/// What the saga takes as a Standard workflow when all goes well, kept as small as can be: each step is one `Task` that sends
/// its command and waits for the callback (`.waitForTaskToken`), so waiting is no state of its own; refusals are `Catch`
/// clauses and deadlines `TimeoutSeconds`, which cost nothing until they are needed; the last task ends the workflow. AWS
/// counts a transition each time a step is executed.
pub(crate) const TRANSITIONS: usize = STEPS;

/// USD for a million finished sagas as Standard workflows.
pub(crate) fn step_functions_per_million() -> f64 {
    TRANSITIONS as f64 * USD_PER_TRANSITION * 1e6
}

/// USD for a million finished sagas at these units of DynamoDB for each.
pub(crate) fn dynamodb_per_million(write_units: f64, read_units: f64) -> f64 {
    (write_units * USD_PER_WRITE_UNIT + read_units * USD_PER_READ_UNIT) * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_per_million_sagas() {
        assert!((step_functions_per_million() - 125.0).abs() < 1e-9);
        assert!((dynamodb_per_million(10.0, 2.0) - 6.5).abs() < 1e-9);
    }
}
