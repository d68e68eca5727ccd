use onecommit_environment::Environment;
use onecommit_views::{Generation, Next, Phase, Rebuild, RebuildError, Rebuilt, ViewName};
use serde::Serialize;

use crate::process::Failure;
use crate::progress::Progress;
use crate::terminal::Terminal;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    view: &'a str,
    /// The one that was made.
    generation: Generation,
    /// Whether it serves now.
    serves: bool,
    /// How many it handled; those that were told again after it was stopped count again.
    events: u64,
}

/// Makes a view anew from the store and lets it serve, or goes on with doing so.
pub(crate) async fn rebuild(
    rebuild: &Rebuild,
    view: &ViewName,
    environment: &Environment,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let summary = match run(rebuild, environment, terminal).await {
        Ok(Rebuilt::Switched { generation, events, .. }) => Summary {
            view: view.as_str(),
            generation,
            serves: true,
            events,
        },
        Ok(Rebuilt::Paused(so_far)) => Summary {
            view: view.as_str(),
            generation: so_far.generation,
            serves: false,
            events: so_far.events,
        },
        Err(error) => {
            tell_parked(&error, terminal);
            return Err(error.into());
        }
    };
    terminal.print(&summary, |output| {
        let Summary { generation, events, .. } = summary;
        if summary.serves {
            writeln!(
                output,
                "{view}: generation {generation} is active, {events} events handled"
            )
        } else {
            writeln!(
                output,
                "{view}: generation {generation} is paused after {events} events; run the command again"
            )
        }
    })?;
    Ok(())
}

async fn run(
    rebuild: &Rebuild,
    environment: &Environment,
    terminal: &mut Terminal<'_>,
) -> Result<Rebuilt, RebuildError> {
    let mut progress = Progress::new(environment, &mut *terminal.notes);
    let mut phase = None;
    rebuild
        .run(|so_far| {
            if phase.replace(so_far.phase) == Some(so_far.phase) {
                progress.tell(|| how_far(so_far));
            } else {
                progress.tell_now(&how_far(so_far));
            }
            Next::GoOn
        })
        .await
}

fn how_far(so_far: &onecommit_views::Progress) -> String {
    let onecommit_views::Progress {
        generation,
        phase,
        events,
        parked,
        ..
    } = so_far;
    match phase {
        Phase::Announced => {
            format!("generation {generation} is announced; waiting until every projector has read that")
        }
        Phase::Replaying => format!("generation {generation}: {events} events handled, {parked} failed"),
    }
}

/// The error names the first of them only.
fn tell_parked(error: &RebuildError, terminal: &mut Terminal<'_>) {
    if let RebuildError::Parked(_, parked) = error {
        for event in &parked.first {
            // The error itself says what matters most.
            let _ = writeln!(terminal.notes, "not handled: {event}");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::commands::kit::Screen;
    use crate::commands::views::kit::{World, by_carrier};

    #[tokio::test(start_paused = true)]
    async fn a_rebuilt_view_becomes_active() {
        let world = World::with_a_parcel().await;
        let mut screen = Screen::default();
        rebuild(
            &world.rebuild(),
            &by_carrier(),
            world.environment(),
            &mut screen.for_people(),
        )
        .await
        .unwrap();
        assert_eq!(
            screen.output(),
            "parcels-by-carrier: generation 2 is active, 3 events handled\n"
        );
        let notes = screen.notes();
        assert!(notes.starts_with("generation 2 is announced; waiting"), "{notes}");
        assert!(notes.ends_with("generation 2: 3 events handled, 0 failed\n"), "{notes}");
        assert_eq!(world.status().await["active"], 2);
    }

    #[tokio::test(start_paused = true)]
    async fn running_it_again_continues_the_rebuild() {
        let world = World::with_a_parcel().await;
        world.leave_a_rebuild_behind().await;
        let mut screen = Screen::default();
        rebuild(
            &world.rebuild(),
            &by_carrier(),
            world.environment(),
            &mut screen.for_programs(),
        )
        .await
        .unwrap();
        let summary: Value = serde_json::from_str(&screen.output()).unwrap();
        assert_eq!((&summary["generation"], &summary["serves"]), (&2.into(), &true.into()));
    }

    #[tokio::test(start_paused = true)]
    async fn with_failed_events_nothing_is_switched() {
        let world = World::with_a_parcel().await;
        world.store_a_parcel_of_a_newer_schema("p-2").await;
        world.store_a_parcel_of_a_newer_schema("p-3").await;
        let mut screen = Screen::default();
        let refused = rebuild(
            &world.rebuild(),
            &by_carrier(),
            world.environment(),
            &mut screen.for_people(),
        )
        .await;
        assert!(
            refused
                .unwrap_err()
                .to_string()
                .starts_with("2 events could not be handled")
        );
        let notes = screen.notes();
        for stream in ["Parcel#p-2", "Parcel#p-3"] {
            assert!(
                notes.contains(&format!("not handled: version 1 of {stream}")),
                "{notes}"
            );
        }
        assert_eq!(world.status().await["active"], 1);
    }
}
