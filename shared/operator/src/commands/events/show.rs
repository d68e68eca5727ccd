use std::io::{self, Write};

use onecommit_event::Event;
use onecommit_event_store::EventStore;
use serde_json::value::RawValue;

use super::NoEvents;
use crate::cli::Show;
use crate::process::Failure;
use crate::terminal::Terminal;

/// Prints the events of a stream, as they are stored.
pub(crate) async fn show(store: &EventStore, arguments: &Show, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let last = arguments.to.unwrap_or(u64::MAX);
    let mut reading = store.read(&arguments.stream, arguments.from);
    let mut count = 0_u64;
    while let Some(event) = reading.next().await? {
        if event.metadata().sequence.is_some_and(|version| version > last) {
            break;
        }
        count += 1;
        let stored = RawValue::from_string(event.to_json())?;
        terminal.print(&stored, |output| for_people(output, &event))?;
    }
    if count == 0 {
        return Err(NoEvents {
            stream: arguments.stream.clone(),
            detail: format!(" from version {} on", arguments.from),
        }
        .into());
    }
    Ok(())
}

fn for_people(output: &mut dyn Write, event: &Event) -> io::Result<()> {
    let metadata = event.metadata();
    writeln!(
        output,
        "{:>6}  {}  {}  {}\n        {}",
        metadata.sequence.unwrap_or_default(),
        event.timestamp(),
        event.event_type(),
        event.id(),
        event.payload().get()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::kit::{Screen, a_store_with_a_parcel, parcel};

    fn versions(from: u64, to: Option<u64>) -> Show {
        Show {
            stream: parcel("p-1"),
            from,
            to,
        }
    }

    #[tokio::test]
    async fn events_of_the_range_are_printed_oldest_first() {
        let (_, store) = a_store_with_a_parcel().await;
        for (arguments, expected) in [
            (
                versions(1, None),
                vec!["ParcelPosted", "ParcelCollected", "ParcelDelivered"],
            ),
            (versions(2, Some(2)), vec!["ParcelCollected"]),
            (versions(2, None), vec!["ParcelCollected", "ParcelDelivered"]),
        ] {
            let mut screen = Screen::default();
            show(&store, &arguments, &mut screen.for_people()).await.unwrap();
            let output = screen.output();
            let types: Vec<&str> = output
                .lines()
                .step_by(2)
                .map(|line| line.split_whitespace().nth(2).unwrap())
                .collect();
            assert_eq!(types, expected, "{output}");
        }
    }

    #[tokio::test]
    async fn with_json_each_event_is_a_line_in_the_wire_format() {
        let (_, store) = a_store_with_a_parcel().await;
        let mut screen = Screen::default();
        show(&store, &versions(1, None), &mut screen.for_programs())
            .await
            .unwrap();
        let events: Vec<Event> = screen
            .output()
            .lines()
            .map(|line| Event::from_json(line).unwrap())
            .collect();
        let sequence: Vec<Option<u64>> = events.iter().map(|event| event.metadata().sequence).collect();
        assert_eq!(sequence, [Some(1), Some(2), Some(3)]);
    }

    #[tokio::test]
    async fn an_empty_stream_is_an_error_that_names_it() {
        let (_, store) = a_store_with_a_parcel().await;
        for arguments in [
            versions(4, None),
            versions(3, Some(2)),
            Show {
                stream: parcel("p-9"),
                from: 1,
                to: None,
            },
        ] {
            let stream = arguments.stream.to_string();
            let shown = show(&store, &arguments, &mut Screen::default().for_people()).await;
            assert!(shown.unwrap_err().to_string().contains(&stream));
        }
    }
}
