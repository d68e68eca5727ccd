use onecommit_views::{ViewControl, ViewName};
use serde::Serialize;

use crate::known::KnownViews;
use crate::process::Failure;
use crate::terminal::Terminal;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    view: &'a str,
    announced: bool,
}

/// The view shows something. An announcement would take that away.
#[derive(Debug, thiserror::Error)]
#[error("a projector already keeps {0}; rebuild it instead")]
struct KeptAlready(ViewName);

/// Lets a view that is new show nothing until it is rebuilt.
pub(crate) async fn announce(
    control: &ViewControl,
    known: &KnownViews,
    view: &ViewName,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    known.find(view)?;
    // A view that nobody rebuilt or announced yet has no control row. That it is kept shows in its lag.
    let kept = control.status(std::slice::from_ref(view)).await?;
    if kept
        .iter()
        .any(|status| status.name == view.as_str() && status.lag.is_some())
    {
        return Err(KeptAlready(view.clone()).into());
    }
    control.announce(view).await?;
    let summary = Summary {
        view: view.as_str(),
        announced: true,
    };
    let program = terminal.program;
    terminal.print(&summary, |output| {
        writeln!(
            output,
            "{view} shows nothing until it is rebuilt: deploy its projector, then run `{program} views rebuild {view}`"
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

    async fn announced(world: &World, view: &ViewName) -> Result<String, String> {
        let mut screen = Screen::default();
        let result = announce(&world.control(), &world.views(), view, &mut screen.for_people()).await;
        result.map(|()| screen.output()).map_err(|error| error.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn an_announced_view_is_empty_until_rebuilt() {
        let world = World::with_a_parcel().await;
        let told = announced(&world, &by_carrier()).await.unwrap();
        assert!(told.contains("parcels views rebuild parcels-by-carrier"), "{told}");
        assert_eq!(world.status().await["active"], json!(null));
        assert!(
            announced(&world, &by_carrier())
                .await
                .unwrap_err()
                .contains("rebuild it instead")
        );
        world.rebuild().run(|_| onecommit_views::Next::GoOn).await.unwrap();
        assert_eq!(world.status().await["active"], 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_view_with_a_projector_cannot_be_announced() {
        let world = World::with_a_parcel().await;
        world.keep().await;
        let refused = announced(&world, &by_carrier()).await.unwrap_err();
        assert!(
            refused.contains("a projector already keeps parcels-by-carrier"),
            "{refused}"
        );
        assert_eq!(world.status().await["active"], 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_view_is_refused_with_the_known_ones() {
        let world = World::with_a_parcel().await;
        let refused = announced(&world, &ViewName::new("parcels").unwrap()).await.unwrap_err();
        assert!(
            refused.contains("parcels-by-carrier") && refused.contains("deliveries"),
            "{refused}"
        );
    }
}
