use std::io;

use crate::terminal::Terminal;

/// Why something was not done that nobody can undo.
#[derive(Debug, thiserror::Error)]
#[error("it was not confirmed, so nothing was changed; type `yes`, or use --yes in scripts")]
pub(crate) struct NotConfirmed;

/// Asks whether to go on. Anything but `yes` means no, also the end of the input.
pub(crate) fn ask(terminal: &mut Terminal<'_>, question: &str) -> io::Result<Result<(), NotConfirmed>> {
    write!(terminal.notes, "{question} Type `yes` to go on: ")?;
    terminal.notes.flush()?;
    let mut answer = String::new();
    terminal.input.read_line(&mut answer)?;
    Ok(if answer.trim() == "yes" {
        Ok(())
    } else {
        Err(NotConfirmed)
    })
}
