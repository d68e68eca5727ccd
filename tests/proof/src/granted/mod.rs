//! Least privilege in the scenarios: the processes of each are put to the template's roles and resource policies, by
//! [`onecommit_granted`]. What their names are in the template is in [`cast`].

mod cast;
#[cfg(test)]
mod tests;

use onecommit_granted::{Judged, Roles, RolesError, template};

use crate::scenarios::Plan;
use cast::CAST;

/// How many random schedules of a scenario are put to its roles, after the calm one.
const SEEDS: u64 = 60;

/// The template's roles, for the scenarios.
///
/// # Errors
/// When the template lacks what a scenario names, or a policy in it is not understood.
pub fn roles() -> Result<Roles, RolesError> {
    Roles::of(&template()?, CAST)
}

/// Runs a scenario calmly and by some random schedules.
///
/// # Errors
/// The requests that were denied, or the promise that was broken though all were granted.
pub fn judge(roles: &Roles, plan: &Plan) -> Result<Judged, String> {
    roles.judge(&*plan.scenario, SEEDS, plan.weather)
}
