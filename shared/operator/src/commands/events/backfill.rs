use onecommit_environment::Environment;
use onecommit_event_store::EventStore;
use onecommit_publish::Publisher;
use onecommit_relay::{Backfill, BackfillProgress};
use serde::Serialize;

use crate::cli;
use crate::process::Failure;
use crate::progress::Progress;
use crate::terminal::Terminal;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    dry_run: bool,
    seen: u64,
    matching: u64,
    published: u64,
}

/// Publishes a part of the store once more, or tells what that would be.
pub(crate) async fn backfill(
    store: &EventStore,
    publisher: &Publisher,
    environment: &Environment,
    arguments: &cli::Backfill,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let backfill = Backfill {
        stream: arguments.stream.clone(),
        event_types: arguments.event_types.iter().cloned().collect(),
        from: arguments.from_time,
        to: arguments.to_time,
        per_second: Some(arguments.per_second),
        dry_run: arguments.dry_run,
    };
    let mut progress = Progress::new(environment, &mut *terminal.notes);
    let tell = |so_far: &BackfillProgress| {
        progress.tell(|| {
            let last = so_far.last.as_deref().unwrap_or("none");
            let BackfillProgress { seen, published, .. } = so_far;
            format!("{seen} events read, {published} published, the last is {last}")
        });
    };
    let end = backfill.run(store, publisher, environment, tell).await?;
    let summary = Summary {
        dry_run: arguments.dry_run,
        seen: end.seen,
        matching: end.matching,
        published: end.published,
    };
    terminal.print(&summary, |output| {
        if summary.dry_run {
            writeln!(
                output,
                "would publish {} of {} events; run it without --dry-run to do so",
                summary.matching, summary.seen
            )
        } else {
            writeln!(output, "published {} of {} events", summary.published, summary.seen)
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::Value;

    use super::*;
    use crate::cli::{Cli, Command, EventsCommand};
    use crate::commands::kit::{Screen, a_store_with_a_parcel};

    /// To nowhere: every event leaves at once.
    async fn run(line: &str, screen: &mut Screen) {
        let arguments = match Cli::parse_from(line.split(' ')).command {
            Command::Events(EventsCommand::Backfill(arguments)) => arguments,
            Command::Events(EventsCommand::Recover(arguments)) => arguments.into(),
            other => panic!("{line} is {other:?}"),
        };
        let (_, store) = a_store_with_a_parcel().await;
        let environment = Environment::system();
        let publisher = Publisher::new(Vec::new(), environment.clone());
        let mut terminal = screen.for_programs();
        backfill(&store, &publisher, &environment, &arguments, &mut terminal)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn only_matching_events_are_counted_and_published() {
        for (line, expected) in [
            ("operator events backfill --dry-run", [3, 3, 0]),
            (
                "operator events backfill --type ParcelDelivered --type ParcelPosted",
                [3, 2, 2],
            ),
            ("operator events backfill --stream Parcel#p-1", [3, 3, 3]),
            ("operator events backfill --from-time 2100-01-01T00:00:00Z", [3, 0, 0]),
            ("operator events recover --since 2000-01-01T00:00:00Z", [3, 3, 3]),
            ("operator events recover --since 2100-01-01T00:00:00Z", [3, 0, 0]),
            (
                "operator events recover --since 2000-01-01T00:00:00Z --until 2001-01-01T00:00:00Z",
                [3, 0, 0],
            ),
        ] {
            let mut screen = Screen::default();
            run(line, &mut screen).await;
            let summary: Value = serde_json::from_str(&screen.output()).unwrap();
            let counts = ["seen", "matching", "published"].map(|name| summary[name].as_u64().unwrap());
            assert_eq!(counts, expected, "{line}");
        }
    }
}
