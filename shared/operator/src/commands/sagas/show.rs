use std::io::{self, Write};

use onecommit_event::Aggregate;
use onecommit_saga::{JournalEntry, SagaRow, What};
use serde::Serialize;

use super::Sagas;
use crate::process::Failure;
use crate::terminal::Terminal;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    saga: String,
    status: &'a str,
    definition_version: u32,
    version: u64,
    /// When something is due by itself.
    due_at: Option<String>,
    correlation_id: &'a str,
    started_at: String,
    updated_at: String,
    timeline: &'a [JournalEntry],
    left_out_of_timeline: u64,
}

/// Prints where a saga is and what happened to it, the oldest first.
pub(crate) async fn show(sagas: &Sagas, saga: &Aggregate, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let row = sagas.row(saga).await?;
    let shown = Shown {
        saga: saga.to_string(),
        status: row.status().as_str(),
        definition_version: row.definition_version(),
        version: row.version(),
        due_at: row.deadline().and_then(super::next_try_at),
        correlation_id: row.correlation_id(),
        started_at: row.started_at().to_string(),
        updated_at: row.updated_at().to_string(),
        timeline: row.timeline(),
        left_out_of_timeline: row.left_out_of_timeline(),
    };
    terminal.print(&shown, |output| for_people(&row, &shown, output))?;
    Ok(())
}

fn for_people(row: &SagaRow, shown: &Shown<'_>, output: &mut dyn Write) -> io::Result<()> {
    let Shown {
        saga, status, version, ..
    } = shown;
    write!(output, "{saga}: {status}, version {version}")?;
    if let Some(due) = &shown.due_at {
        write!(output, ", something is due at {due}")?;
    }
    writeln!(output)?;
    for (place, entry) in row.timeline().iter().enumerate() {
        writeln!(output, "  {}", told(entry)?)?;
        if place == 0 && shown.left_out_of_timeline > 0 {
            writeln!(
                output,
                "  ... {} entries are no longer kept",
                shown.left_out_of_timeline
            )?;
        }
    }
    Ok(())
}

fn told(entry: &JournalEntry) -> io::Result<String> {
    let mut parts = vec![entry.at.clone()];
    parts.extend(entry.step.clone());
    parts.push(match entry.what {
        What::Became(status) => format!("became {status}"),
        what => serde_json::to_value(what)?.as_str().unwrap_or_default().to_owned(),
    });
    let again = entry.attempt.filter(|attempt| *attempt > 1);
    parts.extend(again.map(|attempt| format!("attempt {attempt}")));
    parts.extend(entry.by.as_ref().map(|user| format!("by {user}")));
    parts.extend(entry.detail.clone());
    Ok(parts.join("  "))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::commands::kit::Screen;
    use crate::commands::sagas::kit::{Trips, trip};
    use crate::commands::sagas::show;

    #[tokio::test]
    async fn a_saga_is_shown_with_its_timeline() {
        let trips = Trips::with_one_that_is_stuck().await;
        let mut screen = Screen::default();
        show(&trips.sagas(), &trip("1"), &mut screen.for_people())
            .await
            .unwrap();
        let told = screen.output();
        assert!(told.starts_with("TripSaga#1: NeedsAttention, version 4\n"), "{told}");
        for line in [
            "started",
            "book a seat  asked",
            "book a seat  undoRefused",
            "became NeedsAttention",
        ] {
            assert!(told.contains(line), "{line} is not in: {told}");
        }
        assert!(!told.contains("9999"), "{told}");
    }

    #[tokio::test]
    async fn json_output_is_one_value_with_the_timeline() {
        let trips = Trips::with_one_that_is_stuck().await;
        let mut screen = Screen::default();
        show(&trips.sagas(), &trip("1"), &mut screen.for_programs())
            .await
            .unwrap();
        let shown: Value = serde_json::from_str(&screen.output()).unwrap();
        assert_eq!(
            (&shown["saga"], &shown["status"]),
            (&json!("TripSaga#1"), &json!("NeedsAttention"))
        );
        assert_eq!(shown["timeline"][0]["what"], "started");
        assert_eq!(shown["dueAt"], json!(null));
    }

    #[tokio::test]
    async fn an_unknown_saga_is_an_error_with_a_remedy() {
        let trips = Trips::with_one_that_is_stuck().await;
        let refused = show(&trips.sagas(), &trip("2"), &mut Screen::default().for_people()).await;
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.contains("TripSaga#2") && refused.contains("SAGAS_TABLE_NAME"),
            "{refused}"
        );
    }
}
