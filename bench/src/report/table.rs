//! Tables, and goals beside what was measured.

use serde::{Deserialize, Serialize};

/// A table of texts.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        Self {
            title: title.into(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// The first column is text, the others are numbers.
    pub(crate) fn to_markdown(&self) -> String {
        let mut lines = vec![line(&self.columns)];
        let rulers = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, _)| if index == 0 { "---" } else { "--:" });
        lines.push(line(&rulers.map(str::to_owned).collect::<Vec<_>>()));
        lines.extend(self.rows.iter().map(|row| line(row)));
        format!("**{}**\n\n{}\n", self.title, lines.join("\n"))
    }
}

/// A number that should not exceed a limit.
#[derive(Debug)]
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) measured: f64,
    pub(crate) limit: f64,
    pub(crate) unit: &'static str,
}

impl Goal {
    pub(crate) fn new(what: impl Into<String>, measured: f64, limit: f64, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            measured,
            limit,
            unit,
        }
    }

    fn row(&self) -> Vec<String> {
        let is_met = self.measured.is_finite() && self.measured <= self.limit;
        vec![
            self.what.clone(),
            format!("{:.3} {}", self.measured, self.unit),
            format!("<= {} {}", self.limit, self.unit),
            if is_met { "met" } else { "**missed**" }.to_owned(),
        ]
    }
}

/// Each goal, what was measured, and whether it is met.
pub(crate) fn goals_table(goals: &[Goal]) -> Table {
    let mut table = Table::new("Goals, on this run", &["goal", "measured", "limit", ""]);
    table.rows = goals.iter().map(Goal::row).collect();
    table
}

fn line(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_markdown_with_numbers_to_the_right() {
        let mut table = Table::new("Sizes", &["name", "bytes"]);
        table.rows.push(vec!["a".into(), "1".into()]);
        assert_eq!(
            table.to_markdown(),
            "**Sizes**\n\n| name | bytes |\n| --- | --: |\n| a | 1 |\n"
        );
    }

    #[test]
    fn a_goal_over_its_limit_or_unmeasured_is_missed() {
        let verdict = |measured| Goal::new("g", measured, 1.0, "").row().pop().unwrap_or_default();
        assert_eq!(verdict(1.0), "met");
        assert_eq!(verdict(1.1), "**missed**");
        assert_eq!(verdict(f64::NAN), "**missed**");
    }
}
