use std::io::{self, Write};

use onecommit_views::{Generation, Rebuild, ViewName};
use serde::Serialize;

use super::listed;
use crate::process::Failure;
use crate::terminal::Terminal;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    view: &'a str,
    /// How many rows were deleted.
    rows: u64,
    gone: Vec<Generation>,
    waiting: Vec<Generation>,
}

/// Deletes the rows of generations that serve no more.
pub(crate) async fn clean(rebuild: &Rebuild, view: &ViewName, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let cleaned = rebuild.clean().await?;
    let summary = Summary {
        view: view.as_str(),
        rows: cleaned.rows,
        gone: cleaned.gone,
        waiting: cleaned.waiting,
    };
    terminal.print(&summary, |output| tell(&summary, output))?;
    Ok(())
}

fn tell(summary: &Summary<'_>, output: &mut dyn Write) -> io::Result<()> {
    let Summary {
        view,
        rows,
        gone,
        waiting,
    } = summary;
    if gone.is_empty() && waiting.is_empty() {
        writeln!(output, "{view} has nothing to clean up")?;
    }
    if !gone.is_empty() {
        writeln!(output, "deleted {rows} rows of {view}, generation {}", listed(gone))?;
    }
    if !waiting.is_empty() {
        writeln!(
            output,
            "{view}, generation {}, was retired recently and a projector may still write to it; run `clean` later",
            listed(waiting)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use onecommit_views::{Next, RebuildSettings};
    use serde_json::{Value, json};

    use super::*;
    use crate::commands::kit::Screen;
    use crate::commands::views::kit::{World, by_carrier};

    async fn cleaned(world: &World) -> Value {
        let mut screen = Screen::default();
        clean(&world.rebuild(), &by_carrier(), &mut screen.for_programs())
            .await
            .unwrap();
        serde_json::from_str(&screen.output()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn rows_are_deleted_once_no_projector_can_write_them() {
        let world = World::with_a_parcel().await;
        for _ in 0..2 {
            world.rebuild().run(|_| Next::GoOn).await.unwrap();
        }
        let early = cleaned(&world).await;
        assert_eq!((&early["rows"], &early["waiting"]), (&0.into(), &json!([1, 2])));

        world.wait(RebuildSettings::default().retired_for).await;
        let late = cleaned(&world).await;
        assert_eq!(late["gone"], json!([1, 2]));
        assert!(late["rows"].as_u64().unwrap() > 0);

        let mut screen = Screen::default();
        clean(&world.rebuild(), &by_carrier(), &mut screen.for_people())
            .await
            .unwrap();
        assert_eq!(screen.output(), "parcels-by-carrier has nothing to clean up\n");
    }
}
