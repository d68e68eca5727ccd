use std::time::Duration;

use super::fault::Fault;
use super::operation::AnyOperation;
use super::time::moment;

/// What is kept of a run. Most runs keep nothing: they are many.
#[derive(Clone, Debug, Default)]
pub(crate) enum Recording {
    #[default]
    Nothing,
    /// Lines for people.
    Story(Vec<String>),
    /// Whole requests, to compare two runs of one schedule.
    Contents(Vec<String>),
}

impl Recording {
    pub(crate) fn line(&mut self, line: impl FnOnce() -> String) {
        if let Self::Story(lines) = self {
            lines.push(line());
        }
    }

    pub(crate) fn operation(&mut self, now: Duration, name: &str, operation: &dyn AnyOperation, fault: Option<Fault>) {
        match self {
            Self::Nothing => {}
            Self::Story(lines) => {
                let fault = fault.map(|fault| format!("  ⚡ {fault}")).unwrap_or_default();
                lines.push(format!("{}  {name:<16} {}{fault}", moment(now), operation.describe()));
            }
            Self::Contents(lines) => lines.push(format!("{name}: {}", operation.content())),
        }
    }

    pub(crate) fn lines(&self) -> &[String] {
        match self {
            Self::Nothing => &[],
            Self::Story(lines) | Self::Contents(lines) => lines,
        }
    }
}
