use onecommit_views::{ViewControl, ViewName};
use serde::Serialize;

use crate::process::Failure;
use crate::storefront::Storefront;
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
    storefront: &Storefront,
    view: &ViewName,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    storefront.find(view)?;
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
    terminal.print(&summary, |output| {
        writeln!(
            output,
            "{view} shows nothing until it is rebuilt: deploy its projector, then run `operator views rebuild {view}`"
        )
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::commands::kit::Screen;
    use crate::commands::views::kit::{World, revenue};

    async fn announced(world: &World, view: &ViewName) -> Result<String, String> {
        let mut screen = Screen::default();
        let result = announce(&world.control(), &world.storefront(), view, &mut screen.for_people()).await;
        result.map(|()| screen.output()).map_err(|error| error.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn an_announced_view_shows_nothing_until_it_is_rebuilt() {
        let world = World::with_an_order().await;
        let told = announced(&world, &revenue()).await.unwrap();
        assert!(told.contains("operator views rebuild daily-revenue"), "{told}");
        assert_eq!(world.status().await["active"], json!(null));
        assert!(
            announced(&world, &revenue())
                .await
                .unwrap_err()
                .contains("rebuild it instead")
        );
        world.rebuild().run(|_| onecommit_views::Next::GoOn).await.unwrap();
        assert_eq!(world.status().await["active"], 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_view_that_is_kept_cannot_be_made_to_show_nothing() {
        let world = World::with_an_order().await;
        world.keep().await;
        let refused = announced(&world, &revenue()).await.unwrap_err();
        assert!(refused.contains("a projector already keeps daily-revenue"), "{refused}");
        assert_eq!(world.status().await["active"], 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_no_view_has_is_answered_with_those_there_are() {
        let world = World::with_an_order().await;
        let refused = announced(&world, &ViewName::new("revenue").unwrap()).await.unwrap_err();
        assert!(
            refused.contains("daily-revenue") && refused.contains("also-bought"),
            "{refused}"
        );
    }
}
