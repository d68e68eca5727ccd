use onecommit_event::Aggregate;
use onecommit_event_store::EventStore;
use serde::Serialize;
use serde_json::Value;

use super::NoEvents;
use crate::cli::State;
use crate::known::{KnownAggregates, Moment};
use crate::process::Failure;
use crate::terminal::Terminal;

#[derive(Serialize)]
struct Known {
    stream: String,
    version: u64,
    state: Value,
}

/// There are fewer events.
#[derive(Debug, thiserror::Error)]
#[error("{stream} has {found} events, so there is no version {asked} of it yet")]
struct NotYet {
    stream: Aggregate,
    asked: u64,
    found: u64,
}

/// Prints an aggregate's state with the version it has there.
pub(crate) async fn state(
    aggregates: &KnownAggregates,
    store: &EventStore,
    arguments: &State,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let stream = &arguments.stream;
    let moment = match (arguments.at_version, arguments.at_time) {
        (Some(version), _) => Moment::Version(version),
        (None, Some(time)) => Moment::Time(time),
        (None, None) => Moment::Now,
    };
    let loaded = aggregates.load(store, stream, moment).await?;
    match moment {
        Moment::Version(asked) if loaded.version < asked && loaded.version > 0 => {
            return Err(NotYet {
                stream: stream.clone(),
                asked,
                found: loaded.version,
            }
            .into());
        }
        _ if loaded.version == 0 => {
            let detail = match moment {
                Moment::Now => String::new(),
                Moment::Version(version) => format!(" up to version {version}"),
                Moment::Time(time) => format!(" up to {time}"),
            };
            return Err(NoEvents {
                stream: stream.clone(),
                detail,
            }
            .into());
        }
        _ => {}
    }
    let known = Known {
        stream: stream.to_string(),
        version: loaded.version,
        state: loaded.state,
    };
    terminal.print(&known, |output| {
        serde_json::to_writer_pretty(&mut *output, &known)?;
        writeln!(output)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use onecommit_environment::Timestamp;

    use super::*;
    use crate::commands::kit::{Parcel, Screen, a_store_with_a_parcel, parcel};

    fn of(id: &str) -> State {
        State {
            stream: parcel(id),
            at_version: None,
            at_time: None,
        }
    }

    async fn printed(arguments: &State) -> Result<Value, Failure> {
        let (_, store) = a_store_with_a_parcel().await;
        let mut aggregates = KnownAggregates::default();
        aggregates.add::<Parcel>();
        let mut people = Screen::default();
        state(&aggregates, &store, arguments, &mut people.for_people()).await?;
        let mut programs = Screen::default();
        state(&aggregates, &store, arguments, &mut programs.for_programs()).await?;
        let (people, programs) = (people.output(), programs.output());
        assert_eq!(programs.lines().count(), 1);
        let value: Value = serde_json::from_str(&programs)?;
        assert_eq!(serde_json::from_str::<Value>(&people)?, value);
        Ok(value)
    }

    #[tokio::test]
    async fn a_state_is_shown_now_and_as_it_was() {
        let now = printed(&of("p-1")).await.unwrap();
        assert_eq!(now["stream"], "Parcel#p-1");
        assert_eq!(
            (&now["version"], &now["state"]["status"]),
            (&3.into(), &"delivered".into())
        );
        let before = State {
            at_version: Some(1),
            ..of("p-1")
        };
        let before = printed(&before).await.unwrap();
        assert_eq!(
            (&before["version"], &before["state"]["status"]),
            (&1.into(), &"posted".into())
        );
        let later = State {
            at_time: Some(Timestamp::parse("2100-01-01T00:00:00Z").unwrap()),
            ..of("p-1")
        };
        assert_eq!(printed(&later).await.unwrap(), now);
    }

    #[tokio::test]
    async fn a_program_without_aggregates_says_so() {
        let (_, store) = a_store_with_a_parcel().await;
        let known = KnownAggregates::default();
        let refused = state(&known, &store, &of("p-1"), &mut Screen::default().for_people()).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("it knows no aggregate"), "{refused}");
    }

    #[tokio::test]
    async fn a_state_that_does_not_exist_is_an_error() {
        let before = State {
            at_time: Some(Timestamp::parse("2000-01-01T00:00:00Z").unwrap()),
            ..of("p-1")
        };
        let beyond = State {
            at_version: Some(9),
            ..of("p-1")
        };
        let unknown = State {
            stream: Aggregate::new("Cart", "c-1").unwrap(),
            ..of("p-1")
        };
        for (arguments, says) in [
            (of("p-9"), "no events of Parcel#p-9"),
            (before, "up to 2000-01-01"),
            (beyond, "has 3 events"),
            (unknown, "it knows only Parcel"),
        ] {
            let error = printed(&arguments).await.unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
