//! Repetitions that there may be for the requests to each table.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use onecommit_environment::{Environment, RetryBudget};

use crate::write::Table;

/// A retry budget per table, so that the requests that one table answers do not pay for another that is out.
pub(crate) struct RetryBudgets {
    environment: Environment,
    of: Mutex<HashMap<Table, RetryBudget>>,
}

impl RetryBudgets {
    pub(crate) fn new(environment: Environment) -> Self {
        Self {
            environment,
            of: Mutex::default(),
        }
    }

    pub(crate) fn of(&self, table: &Table) -> RetryBudget {
        let mut budgets = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        match budgets.get(table) {
            Some(budget) => budget.clone(),
            None => {
                let budget = RetryBudget::new(self.environment.clone());
                budgets.insert(table.clone(), budget.clone());
                budget
            }
        }
    }
}
