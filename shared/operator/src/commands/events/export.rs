use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use onecommit_environment::{Environment, Timestamp};
use onecommit_event_store::audit::{Audit, ExportError, Exported};
use serde::Serialize;

use crate::cli::Export;
use crate::process::Failure;
use crate::progress::Progress;
use crate::terminal::Terminal;

#[derive(Serialize)]
struct Summary {
    events: u64,
    head: String,
    output: PathBuf,
}

/// The file cannot be made; one that is there is never overwritten.
#[derive(Debug, thiserror::Error)]
#[error("cannot create {}; name a file that does not exist yet, in a folder that you may write to", path.display())]
struct CannotMake {
    path: PathBuf,
    source: io::Error,
}

/// The time range ends before it begins.
#[derive(Debug, thiserror::Error)]
#[error("the time range ends at {to}, before it begins at {from}; exchange --from-time and --to-time")]
struct EndsBeforeItBegins {
    from: Timestamp,
    to: Timestamp,
}

/// Writes an audit export, and prints the head to keep elsewhere. A file that could not be finished is removed.
pub(crate) async fn export(
    audit: &Audit,
    environment: &Environment,
    arguments: &Export,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    if let (Some(from), Some(to)) = (arguments.from_time, arguments.to_time)
        && to < from
    {
        return Err(EndsBeforeItBegins { from, to }.into());
    }
    let to_stdout = arguments.output == Path::new("-");
    let exported = if to_stdout {
        let Terminal { output, notes, .. } = terminal;
        write(audit, environment, arguments, &mut **output, &mut **notes).await?
    } else {
        to_file(audit, environment, arguments, &mut *terminal.notes).await?
    };
    let summary = Summary {
        events: exported.events,
        head: exported.head.to_string(),
        output: arguments.output.clone(),
    };
    let for_people = |output: &mut dyn Write| {
        let to = if to_stdout {
            "standard output".into()
        } else {
            summary.output.to_string_lossy()
        };
        writeln!(output, "exported {} events to {to}", summary.events)?;
        writeln!(output, "head {}", summary.head)?;
        writeln!(
            output,
            "Keep the head where those who can write the file cannot: `events verify --head` needs it."
        )
    };
    if to_stdout {
        terminal.print_beside(&summary, for_people)?;
    } else {
        terminal.print(&summary, for_people)?;
    }
    Ok(())
}

async fn to_file(
    audit: &Audit,
    environment: &Environment,
    arguments: &Export,
    notes: &mut dyn Write,
) -> Result<Exported, Failure> {
    let path = &arguments.output;
    let mut file = File::create_new(path).map_err(|source| CannotMake {
        path: path.clone(),
        source,
    })?;
    let exported = match write(audit, environment, arguments, &mut file, notes).await {
        Ok(exported) => file.sync_all().map(|()| exported).map_err(ExportError::from),
        Err(error) => Err(error),
    };
    if exported.is_err() {
        // What is left when this fails too has no closing line: it cannot be taken for whole.
        let _ = fs::remove_file(path);
    }
    Ok(exported?)
}

async fn write(
    audit: &Audit,
    environment: &Environment,
    arguments: &Export,
    output: &mut dyn Write,
    notes: &mut dyn Write,
) -> Result<Exported, ExportError> {
    let mut progress = Progress::new(environment, notes);
    let mut tell = |done: onecommit_event_store::audit::Progress| {
        progress.tell(|| format!("{} rows read, {} events written", done.rows_seen, done.events));
    };
    match &arguments.stream {
        Some(stream) => audit.export_stream(stream, output, &mut tell).await,
        None => {
            let now = Timestamp::from_unix_ms(environment.clock().now().unix_ms());
            // The command line lets nobody leave out both the stream and the begin of the range.
            let (from, to) = (arguments.from_time.unwrap_or(now), arguments.to_time.unwrap_or(now));
            audit.export_range(from, to, output, &mut tell).await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use onecommit_engine::{EventLog, TableWriter};
    use onecommit_testing::MemoryDatabase;
    use serde_json::Value;

    use super::*;
    use crate::cli::Verify;
    use crate::commands::events::verify;
    use crate::commands::kit::{Screen, a_store_with_a_parcel, log, parcel};

    /// A path where nothing is yet, removed in the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            let name = Environment::system().ids().next();
            Self(std::env::temp_dir().join(format!("operator-{name}.jsonl")))
        }

        fn text(&self) -> String {
            fs::read_to_string(&self.0).unwrap()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    async fn an_audit() -> (Arc<MemoryDatabase>, Audit) {
        let (tables, _) = a_store_with_a_parcel().await;
        (tables.clone(), Audit::new(tables, log(), Environment::system()))
    }

    fn stream_to(path: &Path) -> Export {
        Export {
            stream: Some(parcel("p-1")),
            from_time: None,
            to_time: None,
            output: path.to_owned(),
        }
    }

    async fn run(audit: &Audit, arguments: &Export, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        export(audit, &Environment::system(), arguments, terminal).await
    }

    fn check(path: &Path, head: &Value) -> Result<(), Failure> {
        let arguments = Verify {
            file: path.to_owned(),
            head: Some(head.as_str().unwrap().parse()?),
        };
        verify(&arguments, &mut Screen::default().for_people())
    }

    #[tokio::test]
    async fn an_export_verifies_with_the_printed_head() {
        let (_, audit) = an_audit().await;
        let (file, mut screen) = (Scratch::new(), Screen::default());
        run(&audit, &stream_to(&file.0), &mut screen.for_programs())
            .await
            .unwrap();
        let summary: Value = serde_json::from_str(&screen.output()).unwrap();
        assert_eq!(summary["events"], 3);
        check(&file.0, &summary["head"]).unwrap();

        fs::write(&file.0, file.text().replace("DHL", "UPS")).unwrap();
        let error = check(&file.0, &summary["head"]).unwrap_err();
        assert!(error.source().unwrap().to_string().contains("line 2 was changed"));
    }

    #[tokio::test]
    async fn a_range_without_an_end_ends_now() {
        let (_, audit) = an_audit().await;
        let mut screen = Screen::default();
        let arguments = Export {
            stream: None,
            from_time: Some(Timestamp::parse("2000-01-01T00:00:00Z").unwrap()),
            to_time: Some(Timestamp::parse("2000-01-02T00:00:00Z").unwrap()),
            output: "-".into(),
        };
        run(&audit, &arguments, &mut screen.for_people()).await.unwrap();
        assert_eq!(screen.output().lines().count(), 2);
        let until_now = Export {
            to_time: None,
            ..arguments
        };
        let before = Timestamp::from_unix_ms(Environment::system().clock().now().unix_ms());
        let mut screen = Screen::default();
        run(&audit, &until_now, &mut screen.for_people()).await.unwrap();
        let header = screen.output().lines().next().unwrap().to_owned();
        let header: Value = serde_json::from_str(&header).unwrap();
        assert!(Timestamp::parse(header["scope"]["toTime"].as_str().unwrap()).unwrap() >= before);
    }

    #[tokio::test]
    async fn a_range_that_ends_before_it_begins_is_refused() {
        let (_, audit) = an_audit().await;
        let arguments = Export {
            stream: None,
            from_time: Some(Timestamp::parse("2026-01-02T00:00:00Z").unwrap()),
            to_time: Some(Timestamp::parse("2026-01-01T00:00:00Z").unwrap()),
            output: "-".into(),
        };
        let refused = run(&audit, &arguments, &mut Screen::default().for_people()).await;
        assert!(refused.unwrap_err().to_string().contains("before it begins"));
    }

    #[tokio::test]
    async fn standard_output_holds_the_export_only() {
        let (_, audit) = an_audit().await;
        let mut screen = Screen::default();
        run(&audit, &stream_to(Path::new("-")), &mut screen.for_people())
            .await
            .unwrap();
        assert!(screen.notes().contains("exported 3 events"));
        let arguments = Verify {
            file: "-".into(),
            head: None,
        };
        let mut second = Screen::with_input(screen.output());
        verify(&arguments, &mut second.for_people()).unwrap();
        assert!(second.output().contains("3 events of Parcel#p-1"));
    }

    #[tokio::test]
    async fn an_existing_file_is_never_overwritten() {
        let (_, audit) = an_audit().await;
        let file = Scratch::new();
        fs::write(&file.0, "mine").unwrap();
        let refused = run(&audit, &stream_to(&file.0), &mut Screen::default().for_people()).await;
        assert!(refused.unwrap_err().to_string().contains("does not exist yet"));
        assert_eq!(file.text(), "mine");
    }

    #[tokio::test]
    async fn an_export_that_fails_leaves_no_file() {
        let (tables, audit) = an_audit().await;
        let delete = log().table().delete(EventLog::key(&parcel("p-1"), 2));
        tables.write(&delete.into()).await.unwrap();
        let file = Scratch::new();
        let failed = run(&audit, &stream_to(&file.0), &mut Screen::default().for_people()).await;
        assert!(
            failed
                .unwrap_err()
                .to_string()
                .contains("version 2 of Parcel#p-1 is missing")
        );
        assert!(!file.0.exists());
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = check(Path::new("/nowhere/export.jsonl"), &"0".repeat(64).into()).unwrap_err();
        assert!(error.to_string().contains("/nowhere/export.jsonl"));
    }
}
