use std::collections::BTreeSet;

use onecommit_engine::QueueError;
use onecommit_environment::Environment;
use onecommit_event::Aggregate;
use onecommit_saga::{SagaRow, Status};
use serde::Serialize;

use super::{Request, Sagas};
use crate::confirmation;
use crate::orchestrator_queue::OrchestratorQueue;
use crate::process::Failure;
use crate::terminal::Terminal;

/// Who asks something of a saga.
pub(crate) struct Asker {
    /// Who that is to AWS; the timeline keeps it.
    pub(crate) user: String,
    /// Whether no confirmation is needed.
    pub(crate) is_sure: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("{saga} has ended: {status}; it accepts no more requests")]
struct Ended {
    saga: Aggregate,
    status: Status,
}

#[derive(Debug, thiserror::Error)]
#[error("{saga} has not reached a step `{step}`; it has reached {known}")]
struct NoSuchStep {
    saga: Aggregate,
    step: String,
    known: String,
}

#[derive(Debug, thiserror::Error)]
#[error("it is not known whether the request arrived; look at the saga before you ask again")]
struct NotSent(#[source] QueueError);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    saga: String,
    request: &'a str,
    event_id: String,
    user: &'a str,
}

/// Asks something of a saga, after asking whether that is meant. The orchestrator judges it when it comes to it.
pub(crate) async fn ask(
    sagas: &Sagas,
    queue: &dyn OrchestratorQueue,
    saga: &Aggregate,
    request: Request,
    asker: &Asker,
    environment: &Environment,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let row = sagas.row(saga).await?;
    check(&row, &request)?;
    if !asker.is_sure {
        let question = format!("It is {} now. {}", row.status(), request.consequence(saga));
        confirmation::ask(terminal, &question)??;
    }
    let event = request.into_event(&row, &asker.user, environment)?;
    queue.tell(&event).await.map_err(NotSent)?;
    let summary = Summary {
        saga: saga.to_string(),
        request: event.event_type(),
        event_id: event.id().to_string(),
        user: &asker.user,
    };
    let program = terminal.program;
    terminal.print(&summary, |output| {
        writeln!(
            output,
            "the request was sent to the orchestrator; `{program} sagas show {saga}` shows its outcome"
        )
    })?;
    Ok(())
}

/// Refuses what the orchestrator could only park, or note as pointless, as far as the row tells.
fn check(row: &SagaRow, request: &Request) -> Result<(), Failure> {
    let (saga, status) = (row.saga().clone(), row.status());
    if status.is_end() {
        return Err(Ended { saga, status }.into());
    }
    let Some(step) = request.step() else {
        return Ok(());
    };
    let known: BTreeSet<&str> = row
        .timeline()
        .iter()
        .filter_map(|entry| entry.step.as_deref())
        .collect();
    // What is left out of the timeline may have named it.
    if known.contains(step) || row.left_out_of_timeline() > 0 {
        return Ok(());
    }
    let known: Vec<String> = known.into_iter().map(|step| format!("`{step}`")).collect();
    Err(NoSuchStep {
        saga,
        step: step.to_owned(),
        known: known.join(", "),
    }
    .into())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::commands::kit::Screen;
    use crate::commands::sagas::kit::{BOOK, Trips, trip};

    fn retry() -> Request {
        let (step, reason) = (BOOK.to_owned(), "the railway is back".to_owned());
        Request::Retry { step, reason }
    }

    fn skip() -> Request {
        let (step, reason) = (BOOK.to_owned(), "freed by telephone".to_owned());
        Request::Skip { step, reason }
    }

    fn resolve() -> Request {
        let reason = "settled by hand".to_owned();
        Request::Resolve { reason }
    }

    fn cancel() -> Request {
        let reason = "the traveller called".to_owned();
        Request::Cancel { reason }
    }

    async fn asked(trips: &Trips, request: Request, is_sure: bool, screen: &mut Screen) -> Result<(), String> {
        let user = "ada".to_owned();
        let asker = Asker { user, is_sure };
        let (sagas, environment) = (trips.sagas(), trips.environment());
        let mut terminal = screen.for_people();
        let result = ask(&sagas, trips, &trip("1"), request, &asker, environment, &mut terminal).await;
        result.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn the_timeline_names_requester_and_reason() {
        for (request, status, reason) in [
            (retry(), Status::Compensating, "the railway is back"),
            (skip(), Status::Compensated, "freed by telephone"),
            (resolve(), Status::Resolved, "settled by hand"),
        ] {
            let trips = Trips::with_one_that_is_stuck().await;
            let mut screen = Screen::default();
            asked(&trips, request, true, &mut screen).await.unwrap();
            assert!(screen.output().contains("parcels sagas show TripSaga#1"));
            assert_eq!(screen.notes(), "");
            let row = trips.row().await;
            assert_eq!(row.status(), status);
            let noted = row.timeline().iter().find(|entry| entry.by.is_some()).unwrap();
            assert_eq!(
                (noted.by.as_deref(), noted.detail.as_deref()),
                (Some("ada"), Some(reason))
            );
        }
    }

    #[tokio::test]
    async fn a_saga_that_is_cancelled_before_its_pivot_turns_back() {
        let trips = Trips::with_one_that_has_begun().await;
        asked(&trips, cancel(), true, &mut Screen::default()).await.unwrap();
        assert_eq!(trips.row().await.status(), Status::Compensating);
    }

    #[tokio::test]
    async fn nothing_is_sent_without_confirmation() {
        let trips = Trips::with_one_that_is_stuck().await;
        for request in [retry(), skip(), resolve(), cancel()] {
            let mut screen = Screen::with_input("no\n");
            let refused = asked(&trips, request, false, &mut screen).await.unwrap_err();
            assert!(refused.contains("nothing was changed"), "{refused}");
            assert!(screen.notes().contains("It is NeedsAttention now. TripSaga#1"));
        }
        assert_eq!(trips.told(), 0);
        asked(&trips, resolve(), false, &mut Screen::with_input("yes\n"))
            .await
            .unwrap();
        assert_eq!(trips.told(), 1);
    }

    #[tokio::test]
    async fn a_step_not_reached_is_refused_with_those_reached() {
        let trips = Trips::with_one_that_is_stuck().await;
        let (step, reason) = ("book a bed".to_owned(), "asleep".to_owned());
        let refused = asked(&trips, Request::Skip { step, reason }, true, &mut Screen::default()).await;
        let refused = refused.unwrap_err();
        assert!(
            refused.contains("`book a bed`") && refused.contains("`book a seat`"),
            "{refused}"
        );
        assert_eq!(trips.told(), 0);
    }

    #[tokio::test]
    async fn requests_to_an_ended_saga_are_refused() {
        let trips = Trips::with_one_that_is_stuck().await;
        asked(&trips, resolve(), true, &mut Screen::default()).await.unwrap();
        let refused = asked(&trips, retry(), true, &mut Screen::default()).await;
        assert!(refused.unwrap_err().contains("has ended: Resolved"));
        assert_eq!(trips.told(), 1);
    }

    #[tokio::test]
    async fn without_an_answer_of_the_queue_the_outcome_is_unknown() {
        let trips = Trips::with_one_that_is_stuck().await.whose_queue_is_down();
        let failed = asked(&trips, retry(), true, &mut Screen::default()).await;
        assert!(failed.unwrap_err().contains("look at the saga before you ask again"));
    }

    #[tokio::test]
    async fn json_output_has_the_id_of_the_request() {
        let trips = Trips::with_one_that_is_stuck().await;
        let mut screen = Screen::default();
        let user = "ada".to_owned();
        let asker = Asker { user, is_sure: true };
        let (sagas, environment) = (trips.sagas(), trips.environment());
        let mut terminal = screen.for_programs();
        ask(&sagas, &trips, &trip("1"), retry(), &asker, environment, &mut terminal)
            .await
            .unwrap();
        drop(terminal);
        let told: Value = serde_json::from_str(&screen.output()).unwrap();
        assert_eq!(
            (&told["request"], &told["user"]),
            (&"SagaRetryRequested".into(), &"ada".into())
        );
        let row = trips.row().await;
        let noted = row.timeline().iter().find(|entry| entry.by.is_some()).unwrap();
        assert_eq!(told["eventId"].as_str(), noted.event_id.as_deref());
    }
}
