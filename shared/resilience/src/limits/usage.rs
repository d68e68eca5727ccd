//! The row of a limit, and the writes that lease tokens from it.
//!
//! | attribute | holds |
//! |---|---|
//! | `step` | the newest step of the window, counted from 1970 |
//! | `total` | the tokens leased in the window |
//! | `u#STEP` | the tokens leased in this step |
//! | `ttl` | when DynamoDB may delete the row, in seconds since 1970 |

use std::collections::BTreeMap;

use onecommit_engine::{Comparison, Condition, Item, Key, Table, Update, Value};
use onecommit_environment::Timestamp;

use super::limit::{RateLimit, STEPS};

/// What a row says of the tokens leased.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// The newest step; 0 when there is no row.
    step: u64,
    total: u64,
    by_step: BTreeMap<u64, u64>,
}

/// How to lease tokens, given what is known of the row.
pub(crate) enum Plan {
    /// This write leases so many. It fails when the row is another than the one that is known.
    Lease(Update, u64, Usage),
    /// There are none.
    NoneLeft,
}

const OF_STEP: &str = "u#";

impl Usage {
    pub(crate) fn of_row(row: Option<&Item>) -> Self {
        let Some(row) = row else { return Self::default() };
        let number = |name: &str| row.get(name).and_then(Value::as_u64).unwrap_or(0);
        let by_step = row
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(OF_STEP)?.parse().ok()?, value.as_u64()?)));
        Self {
            step: number("step"),
            total: number("total"),
            by_step: by_step.collect(),
        }
    }

    /// The write that leases up to `wanted` tokens at `now`.
    pub(crate) fn plan(&self, row: (&Table, Key), limit: &RateLimit, now: Timestamp, wanted: u64) -> Plan {
        let (table, key) = row;
        let step_ms = u64::try_from(limit.step().as_millis()).unwrap_or(u64::MAX).max(1);
        let step = u64::try_from(now.unix_ms()).unwrap_or(0) / step_ms;
        // Another process's clock may be ahead a little. One that is a whole window ahead is wrong.
        let step = if self.step > step && self.step - step <= STEPS {
            self.step
        } else {
            step
        };
        // The current step has only begun: with it and the last twenty, a whole period is covered.
        let is_in_window = |at: u64| at <= step && at + STEPS >= step;
        let kept: u64 = self
            .by_step
            .iter()
            .filter(|(at, _)| is_in_window(**at))
            .map(|(_, tokens)| tokens)
            .sum();
        let moves_on = step != self.step;
        let leased = if moves_on { kept } else { self.total };
        let tokens = limit.calls().saturating_sub(leased).min(wanted);
        if tokens == 0 {
            return Plan::NoneLeft;
        }
        let mut after = Self {
            step,
            total: leased + tokens,
            by_step: self.by_step.clone(),
        };
        after.by_step.retain(|at, _| is_in_window(*at));
        *after.by_step.entry(step).or_default() += tokens;
        let ttl = now.plus(limit.per() * 2).unix_seconds() + 60;
        let tokens_added = i64::try_from(tokens).unwrap_or(i64::MAX);
        let update = table
            .update(key)
            .add(format!("{OF_STEP}{step}"), tokens_added)
            .set("ttl", ttl);
        let update = if moves_on {
            let expired = self.by_step.keys().filter(|at| !is_in_window(**at));
            expired
                .fold(update, |update, at| update.remove(format!("{OF_STEP}{at}")))
                .set("step", step)
                .set("total", after.total)
                .only_if(self.is_unchanged())
        } else {
            // Others may have leased meanwhile: what matters is that there is room.
            let room = Value::from(limit.calls() - tokens);
            update
                .add("total", tokens_added)
                .only_if(Condition::equals("step", step).and(Condition::Compare(
                    "total".into(),
                    Comparison::LessOrEqual,
                    room,
                )))
        };
        Plan::Lease(update, tokens, after)
    }

    fn is_unchanged(&self) -> Condition {
        if self.step == 0 {
            return Condition::absent("step");
        }
        Condition::equals("step", self.step).and(Condition::equals("total", self.total))
    }
}
