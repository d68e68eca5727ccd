use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use onecommit_event_store::audit::{Scope, VerifyError};
use serde::Serialize;

use crate::cli::Verify;
use crate::process::Failure;
use crate::terminal::Terminal;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    scope: Scope,
    exported_at: String,
    events: u64,
    head: String,
    /// Whether it is certain that the export was not made anew.
    head_was_expected: bool,
}

/// The file cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open {}; name a file that `events export` wrote", path.display())]
struct CannotOpen {
    path: PathBuf,
    source: io::Error,
}

/// The file is not what was exported.
#[derive(Debug, thiserror::Error)]
#[error("{} is not what was exported", path.display())]
struct NotAsExported {
    path: PathBuf,
    source: VerifyError,
}

/// Checks an export line by line, without AWS.
pub(crate) fn verify(arguments: &Verify, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let path = &arguments.file;
    let verified = if path == Path::new("-") {
        onecommit_event_store::audit::verify(&mut *terminal.input, arguments.head)
    } else {
        let file = File::open(path).map_err(|source| CannotOpen {
            path: path.clone(),
            source,
        })?;
        onecommit_event_store::audit::verify(BufReader::new(file), arguments.head)
    };
    let verified = verified.map_err(|source| NotAsExported {
        path: path.clone(),
        source,
    })?;
    let summary = Summary {
        scope: verified.scope,
        exported_at: verified.exported_at,
        events: verified.events,
        head: verified.head.to_string(),
        head_was_expected: arguments.head.is_some(),
    };
    terminal.print(&summary, |output| {
        let what = match &summary.scope {
            Scope::Stream { stream } => stream.clone(),
            Scope::Range { from_time, to_time } => format!("all streams from {from_time} until {to_time}"),
        };
        writeln!(
            output,
            "{} events of {what}, exported at {}",
            summary.events, summary.exported_at
        )?;
        writeln!(output, "head {}", summary.head)?;
        writeln!(
            output,
            "{}",
            if summary.head_was_expected {
                "Every line is intact, and the head is the expected one: nothing was changed."
            } else {
                "Every line is intact. Only --head shows whether the whole file was replaced."
            }
        )
    })?;
    Ok(())
}
