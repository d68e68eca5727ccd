use onecommit_engine::{EventLog, TableReader};
use onecommit_relay::stuck_events;
use serde::Serialize;

use crate::cli::Stuck;
use crate::process::Failure;
use crate::terminal::Terminal;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    stream: String,
    version: u64,
    timestamp: String,
}

/// Prints the events that could neither leave nor be parked, oldest first.
pub(crate) async fn stuck(
    rows: &dyn TableReader,
    log: &EventLog,
    arguments: &Stuck,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let most = usize::try_from(arguments.most)?;
    let events = stuck_events(rows, log, most).await?;
    for event in &events {
        let listed = Listed {
            stream: event.stream.clone(),
            version: event.version,
            timestamp: event.timestamp.clone(),
        };
        terminal.print(&listed, |output| {
            let Listed {
                stream,
                version,
                timestamp,
            } = &listed;
            writeln!(output, "{version:>6}  {timestamp}  {stream}")
        })?;
    }
    if events.is_empty() && !terminal.json {
        writeln!(terminal.output, "no event is stuck")?;
    }
    if events.len() == most {
        writeln!(terminal.notes, "there may be more; --most N prints up to N")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use onecommit_engine::TableWriter;
    use serde_json::{Value, json};

    use super::*;
    use crate::commands::kit::{Screen, a_store_with_a_parcel, log};

    const SOME: Stuck = Stuck { most: 10 };

    #[tokio::test]
    async fn a_stuck_event_is_listed() {
        let (tables, _) = a_store_with_a_parcel().await;
        let mut screen = Screen::default();
        stuck(&*tables, &log(), &SOME, &mut screen.for_people()).await.unwrap();
        assert_eq!(screen.output(), "no event is stuck\n");

        let mark = log().mark_unmarked_as_stuck("Parcel#p-1", 2);
        tables.write(&mark.into()).await.unwrap();
        let mut screen = Screen::default();
        stuck(&*tables, &log(), &SOME, &mut screen.for_people()).await.unwrap();
        assert!(screen.output().starts_with("     2  20") && screen.output().ends_with("Z  Parcel#p-1\n"));
        let mut screen = Screen::default();
        let one = Stuck { most: 1 };
        stuck(&*tables, &log(), &one, &mut screen.for_programs()).await.unwrap();
        let listed: Value = serde_json::from_str(&screen.output()).unwrap();
        assert_eq!(
            (&listed["stream"], &listed["version"]),
            (&json!("Parcel#p-1"), &json!(2))
        );
        assert!(screen.notes().contains("--most"));
    }
}
