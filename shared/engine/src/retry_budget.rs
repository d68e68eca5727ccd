//! Repetitions that there may be for the requests to one table.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::write::Table;

/// What one repetition takes.
const REPETITION: u32 = 5;
/// What one success gives back.
const SUCCESS: u32 = 1;
/// The most a table has, and what it begins with: ten repetitions.
const FULL: u32 = 10 * REPETITION;

/// A retry budget: per table, repetitions are paid for by successes.
///
/// A limit per request bounds nothing in an outage: each of a thousand messages repeats its own read three times, and the
/// table gets four times its load just when it cannot carry it. With a budget the repetitions of a process end after the first
/// ten, and each further read is one request. When some reads succeed, one in five may be repeated; when all do, soon all
/// may be. Tables have a budget each, so that the successes of one do not pay for another that is out.
#[derive(Debug, Default)]
pub(crate) struct RetryBudget(Mutex<HashMap<Table, u32>>);

impl RetryBudget {
    /// Takes a repetition for a request to this table; false when there is none left.
    pub(crate) fn withdraw(&self, table: &Table) -> bool {
        self.change(table, |left| left.checked_sub(REPETITION))
    }

    /// Learns that a request to this table succeeded.
    pub(crate) fn deposit(&self, table: &Table) {
        self.change(table, |left| Some((left + SUCCESS).min(FULL)));
    }

    fn change(&self, table: &Table, change: impl FnOnce(u32) -> Option<u32>) -> bool {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = match tables.get_mut(table) {
            Some(left) => left,
            None => tables.entry(table.clone()).or_insert(FULL),
        };
        let changed = change(*left);
        *left = changed.unwrap_or(*left);
        changed.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn withdrawn(budget: &RetryBudget, table: &Table) -> usize {
        (0..100).filter(|_| budget.withdraw(table)).count()
    }

    #[test]
    fn ten_repetitions_and_then_one_for_five_successes() {
        let (budget, table) = (RetryBudget::default(), Table::new("views"));
        assert_eq!(withdrawn(&budget, &table), 10);
        (0..4).for_each(|_| budget.deposit(&table));
        assert_eq!(withdrawn(&budget, &table), 0);
        budget.deposit(&table);
        assert_eq!(withdrawn(&budget, &table), 1);
        (0..1_000).for_each(|_| budget.deposit(&table));
        assert_eq!(withdrawn(&budget, &table), 10);
    }

    #[test]
    fn a_table_has_a_budget_of_its_own() {
        let (budget, out, well) = (RetryBudget::default(), Table::new("out"), Table::new("well"));
        assert_eq!(withdrawn(&budget, &out), 10);
        (0..1_000).for_each(|_| budget.deposit(&well));
        assert_eq!((withdrawn(&budget, &out), withdrawn(&budget, &well)), (0, 10));
    }
}
