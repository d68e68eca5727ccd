use std::io::{self, Write};

use onecommit_environment::Timestamp;
use onecommit_views::{BuildingStatus, ViewControl, ViewStatus};

use super::listed;
use crate::process::Failure;
use crate::storefront::Storefront;
use crate::terminal::Terminal;

const COLUMNS: [&str; 5] = ["VIEW", "ACTIVE", "RETIRED", "BEHIND", "BEING BUILT"];
const NOTHING: &str = "-";

/// Prints how the views are: a table for people, a line each for programs.
pub(crate) async fn status(
    control: &ViewControl,
    storefront: &Storefront,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let views = control.status(&storefront.names()?).await?;
    if !terminal.json {
        print_table(&views, &mut *terminal.output)?;
        return Ok(());
    }
    for view in &views {
        terminal.print(view, |_| Ok(()))?;
    }
    Ok(())
}

fn print_table(views: &[ViewStatus], output: &mut dyn Write) -> io::Result<()> {
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    rows.extend(views.iter().map(row));
    let mut widths = [0; COLUMNS.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.len().max(*width);
        }
    }
    let [view, active, retired, behind, _] = widths;
    for [name, serves, old, lag, building] in &rows {
        writeln!(
            output,
            "{name:view$}  {serves:active$}  {old:retired$}  {lag:behind$}  {building}"
        )?;
    }
    Ok(())
}

fn row(view: &ViewStatus) -> [String; COLUMNS.len()] {
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    [
        view.name.clone(),
        or_nothing(view.active.map(|generation| generation.to_string())),
        or_nothing((!view.retired.is_empty()).then(|| listed(&view.retired))),
        or_nothing(view.lag.map(|lag| format!("{} ms", lag.behind_ms))),
        or_nothing(view.building.as_ref().map(how_far)),
    ]
}

fn how_far(building: &BuildingStatus) -> String {
    let BuildingStatus {
        generation,
        phase,
        is_running,
        claimed_at_ms,
        events,
        parked,
    } = building;
    let since = Timestamp::from_unix_ms(*claimed_at_ms);
    let work = if *is_running {
        "at work"
    } else {
        "not running: run the rebuild again"
    };
    format!("{generation}: {phase}, {events} events, {parked} parked, begun {since}, {work}")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::commands::kit::Screen;
    use crate::commands::views::kit::World;

    async fn shown(world: &World) -> String {
        let mut screen = Screen::default();
        status(&world.control(), &world.storefront(), &mut screen.for_people())
            .await
            .unwrap();
        screen.output()
    }

    #[tokio::test(start_paused = true)]
    async fn every_view_of_the_storefront_has_a_line_also_one_that_nobody_touched() {
        let world = World::with_an_order().await;
        assert_eq!(
            shown(&world).await,
            "VIEW                ACTIVE  RETIRED  BEHIND  BEING BUILT\n\
             also-bought         1       -        -       -\n\
             customer-stats      1       -        -       -\n\
             daily-revenue       1       -        -       -\n\
             order-summary       1       -        -       -\n\
             orders-by-customer  1       -        -       -\n\
             orders-by-product   1       -        -       -\n"
        );
        let mut screen = Screen::default();
        status(&world.control(), &world.storefront(), &mut screen.for_programs())
            .await
            .unwrap();
        let lines: Vec<Value> = screen
            .output()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 6);
        assert_eq!(
            (&lines[0]["name"], &lines[0]["active"]),
            (&"also-bought".into(), &1.into())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_rebuild_that_was_left_tells_how_far_it_is_and_what_to_do() {
        let world = World::with_an_order().await;
        world.leave_a_rebuild_behind().await;
        let shown = shown(&world).await;
        let line = shown.lines().find(|line| line.starts_with("daily-revenue")).unwrap();
        assert!(
            line.contains("2: replaying, 3 events, 0 parked, begun 2026-11-22T07:00:"),
            "{line}"
        );
        assert!(line.ends_with("not running: run the rebuild again"), "{line}");
    }
}
