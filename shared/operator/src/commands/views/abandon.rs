use onecommit_views::{Rebuild, ViewName};
use serde::Serialize;

use crate::process::Failure;
use crate::terminal::Terminal;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    view: &'a str,
    abandoned: bool,
}

/// Gives up what was being built.
pub(crate) async fn abandon(rebuild: &Rebuild, view: &ViewName, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    rebuild.abandon().await?;
    let summary = Summary {
        view: view.as_str(),
        abandoned: true,
    };
    let program = terminal.program;
    terminal.print(&summary, |output| {
        writeln!(
            output,
            "the rebuild of {view} is given up; `{program} views clean {view}` deletes its rows"
        )
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::commands::kit::Screen;
    use crate::commands::views::kit::{World, by_carrier};

    #[tokio::test(start_paused = true)]
    async fn a_rebuild_can_be_abandoned_once() {
        let world = World::with_a_parcel().await;
        world.leave_a_rebuild_behind().await;
        let mut screen = Screen::default();
        abandon(&world.rebuild(), &by_carrier(), &mut screen.for_people())
            .await
            .unwrap();
        assert!(screen.output().contains("parcels views clean parcels-by-carrier"));
        let status = world.status().await;
        assert_eq!((&status["active"], &status["building"]), (&json!(1), &json!(null)));
        assert_eq!(status["retired"], json!([2]));

        let again = abandon(&world.rebuild(), &by_carrier(), &mut Screen::default().for_people()).await;
        assert!(again.unwrap_err().to_string().contains("is not being rebuilt"));
    }
}
