//! The process around a command: its runtime, how it fails, its exit code.

use std::error::Error;
use std::fmt::Write;
use std::io::{self, ErrorKind};
use std::process::ExitCode;

use onecommit_config::ConfigError;

/// Why a command did not do what it was asked for. Its words say what to do about it.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Runs a command and reports the error it ends with.
pub(crate) fn start(command: impl Future<Output = Result<(), Failure>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(command))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever reads the output has seen enough, as `head` has: nothing to complain about.
            if !is_closed_pipe(&*error) {
                complain(&*error);
            }
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr, reason = "this is where users look for it")]
fn complain(error: &(dyn Error + 'static)) {
    eprint!("{}", told(error));
}

/// The error and what caused it, a line each.
fn told(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    if let Some(config) = error.downcast_ref::<ConfigError>() {
        for problem in config.problems() {
            let _ = writeln!(text, "error: {problem}");
        }
        return text;
    }
    let _ = writeln!(text, "error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_in_words = cause.to_string();
        if !text.contains(&cause_in_words) {
            let _ = writeln!(text, "  because: {cause_in_words}");
        }
        source = cause.source();
    }
    if let Some((_, remedy)) = REMEDIES.iter().find(|(sign, _)| text.contains(sign)) {
        let _ = writeln!(text, "  remedy: {remedy}");
    }
    text
}

/// What helps against answers of AWS that say nothing of it.
const REMEDIES: [(&str, &str); 6] = [
    (
        "ResourceNotFoundException",
        "check the table's name, AWS_REGION, and that the credentials are those of the right account",
    ),
    ("AccessDeniedException", "allow your role this action on the table"),
    (
        "QueueDoesNotExist",
        "check ORCHESTRATOR_QUEUE_URL, AWS_REGION, and that the credentials are those of the right account",
    ),
    ("ExpiredTokenException", "get new credentials: these have expired"),
    (
        "UnrecognizedClientException",
        "check the credentials: AWS does not recognise them",
    ),
    ("dispatch failure", "check the network, AWS_REGION and AWS_ENDPOINT_URL"),
];

fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) || error.source().is_some_and(is_closed_pipe)
}

#[cfg(test)]
mod tests {
    use onecommit_config::{Reader, Setting};
    use onecommit_engine::DatabaseError;
    use onecommit_event_store::audit::ExportError;

    use super::*;

    #[test]
    fn every_configuration_problem_has_a_line() {
        let mut reader = Reader::new(&[("SECONDS", "soon")]);
        reader.text(&Setting::required("TABLE", "A table"));
        reader.text(&Setting::required("QUEUE", "A queue"));
        reader.whole_number(&Setting::optional("SECONDS", "1", "Seconds"), 1..=2);
        let error = reader.finish().unwrap_err();
        let told = told(&error);
        assert_eq!(
            told.lines().filter(|line| line.starts_with("error: ")).count(),
            3,
            "{told}"
        );
    }

    #[test]
    fn an_error_is_printed_with_its_causes() {
        let error = ExportError::Output(io::Error::other("disk full"));
        assert_eq!(
            told(&error),
            "error: the export could not be written\n  because: disk full\n"
        );
    }

    #[test]
    fn an_answer_of_aws_is_printed_once_with_a_remedy() {
        let answer = "service error: ResourceNotFoundException: Requested resource not found";
        let error = ExportError::Database(DatabaseError::Rejected(answer.into()));
        let told = told(&error);
        assert_eq!(told.matches(answer).count(), 1, "{told}");
        assert!(told.contains("remedy: check the table's name"), "{told}");
    }

    #[test]
    fn a_closed_pipe_is_not_an_error() {
        let closed = || io::Error::from(ErrorKind::BrokenPipe);
        assert!(is_closed_pipe(&closed()));
        assert!(is_closed_pipe(&ExportError::Output(closed())));
        assert!(!is_closed_pipe(&ExportError::Output(io::Error::other("disk full"))));
    }
}
