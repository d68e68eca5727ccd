use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use onecommit_simulation::{Process, Sabotage, Scenario, Search};

use crate::scenarios::{self, Plan};

/// A deliberate bug, by its name.
#[derive(Clone, Copy)]
pub struct Bug {
    name: &'static str,
    says: &'static str,
    vehicle: Vehicle,
}

/// How a bug gets into a scenario.
#[derive(Clone, Copy)]
enum Vehicle {
    /// Between each process and its ports.
    Sabotage(fn(&Process) -> Arc<dyn Sabotage>),
    /// By scenarios of its own, whose settings are wrong.
    Scenarios(fn() -> Vec<Plan>),
}

impl Bug {
    /// A bug between each process and its ports; `make` is called whenever a process starts.
    pub(crate) const fn sabotage(
        name: &'static str,
        says: &'static str,
        make: fn(&Process) -> Arc<dyn Sabotage>,
    ) -> Self {
        let vehicle = Vehicle::Sabotage(make);
        Self { name, says, vehicle }
    }

    /// A bug of settings: it is looked for in these scenarios only.
    pub(crate) const fn scenarios(name: &'static str, says: &'static str, plans: fn() -> Vec<Plan>) -> Self {
        let vehicle = Vehicle::Scenarios(plans);
        Self { name, says, vehicle }
    }

    /// The name, in kebab-case.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// What breaks, and how.
    #[must_use]
    pub fn says(self) -> &'static str {
        self.says
    }

    /// The scenarios in which it is looked for.
    #[must_use]
    pub fn plans(self) -> Vec<Plan> {
        match self.vehicle {
            Vehicle::Scenarios(plans) => plans(),
            Vehicle::Sabotage(_) => scenarios::all(),
        }
    }

    /// Whether it can be looked for in the outages, too.
    pub(crate) fn is_in_every_scenario(self) -> bool {
        !matches!(self.vehicle, Vehicle::Scenarios(_))
    }

    /// A search in a scenario with this bug.
    #[must_use]
    pub fn search(self, scenario: &dyn Scenario) -> Search<'_> {
        match self.vehicle {
            Vehicle::Sabotage(make) => Search::of(scenario).sabotaged_by(make),
            Vehicle::Scenarios(_) => Search::of(scenario),
        }
    }
}

impl fmt::Debug for Bug {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Bug").field(&self.name).finish()
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// There is not a bug of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownBug(String);

impl fmt::Display for UnknownBug {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} is not the name of a bug; the names are", self.0)?;
        super::all().iter().try_for_each(|bug| write!(formatter, " {bug}"))
    }
}

impl std::error::Error for UnknownBug {}

/// From its [name](Bug::name).
impl FromStr for Bug {
    type Err = UnknownBug;

    fn from_str(name: &str) -> Result<Self, UnknownBug> {
        let found = super::all().into_iter().find(|bug| bug.name == name);
        found.ok_or_else(|| UnknownBug(name.to_owned()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use std::collections::HashSet;

    use super::Bug;
    use crate::bugs::all;

    #[test]
    fn each_bug_is_found_by_its_name() {
        for bug in all() {
            assert_eq!(bug.name().parse::<Bug>().unwrap().says(), bug.says());
        }
    }

    #[test]
    fn an_unknown_name_lists_all_names() {
        let unknown = "ledger-eaten".parse::<Bug>().unwrap_err().to_string();
        assert!(unknown.contains("\"ledger-eaten\""));
        assert!(all().iter().all(|bug| unknown.contains(bug.name())));
    }

    #[test]
    fn each_bug_has_a_sentence_of_its_own() {
        let said: HashSet<&str> = all().iter().map(|bug| bug.says()).collect();
        assert_eq!(said.len(), all().len());
        assert!(
            said.iter()
                .all(|sentence| sentence.contains(": ") && sentence.ends_with('.'))
        );
    }
}
