//! Whether a contestant did what it was there for: every order's row written, and written once.

use std::sync::Arc;

use anyhow::Result;
use serde_json::Value;

use crate::lab::exchange::Tally;
use crate::lab::tables::Tables;
use crate::workload::OrderCreated;

/// What is wrong with the effects; all zero if nothing is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Orders without a row.
    pub(crate) missing: usize,
    /// Orders whose row was written more than once.
    pub(crate) doubled: usize,
    /// Rows nobody asked for.
    pub(crate) stray: usize,
    /// Messages that still failed after they were delivered again.
    pub(crate) left: usize,
    /// Requests that DynamoDB could not carry out.
    pub(crate) unexpected: usize,
    /// Rows for which the write units by rule would be too few.
    pub(crate) oversize: usize,
}

impl Verdict {
    pub(crate) async fn of(tables: &Tables, tally: &Tally, sent: &[Arc<OrderCreated>], left: usize) -> Result<Self> {
        let mut rows = tables.view_rows().await?;
        let writes = tally.writes_to(&tables.views);
        let mut verdict = Self {
            left,
            unexpected: tally.unexpected,
            oversize: tables.rows_over_one_unit().await?,
            ..Self::default()
        };
        for event in sent {
            let key = event.view_key();
            let Some(row) = rows.remove(&key) else {
                verdict.missing += 1;
                continue;
            };
            let times = writes.get(key.as_str()).copied().unwrap_or_default();
            if times != 1 || applied_count(&row).is_some_and(|count| count != "1") {
                verdict.doubled += 1;
            }
        }
        verdict.stray = rows.len();
        Ok(verdict)
    }

    pub(crate) fn merged(self, other: Self) -> Self {
        Self {
            missing: self.missing + other.missing,
            doubled: self.doubled + other.doubled,
            stray: self.stray + other.stray,
            left: self.left + other.left,
            unexpected: self.unexpected + other.unexpected,
            oversize: self.oversize + other.oversize,
        }
    }

    pub(crate) fn in_words(self) -> String {
        let wrongs = [
            (self.missing, "missing"),
            (self.doubled, "written twice"),
            (self.stray, "stray"),
            (self.left, "left over"),
            (self.unexpected, "requests in error"),
            (self.oversize, "rows over 1 KB"),
        ];
        let wrongs: Vec<_> = wrongs
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if wrongs.is_empty() {
            "each order once".to_owned()
        } else {
            wrongs.join(", ")
        }
    }
}

/// The contestants whose effect is a counter say in the row itself how often it was applied.
fn applied_count(row: &Value) -> Option<&str> {
    row["appliedCount"]["N"].as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_counts_each_fault() {
        assert_eq!(Verdict::default().in_words(), "each order once");
        let wrong = Verdict {
            missing: 2,
            left: 1,
            ..Verdict::default()
        };
        assert_eq!(wrong.in_words(), "2 missing, 1 left over");
    }
}
