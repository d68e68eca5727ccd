//! Lambda: recommendations, behind their API. It reads views and writes nothing.

use std::process::ExitCode;
use std::time::Duration;

use onecommit_aws::{VIEWS_TABLE_NAME, Wiring};
use onecommit_config::{Reader, Setting};
use onecommit_engine::Table;
use onecommit_http::health::{Health, query_answers};
use onecommit_views::{REFRESH_MAX, ViewControl};
use storefront_recommendations::Recommendations;

const VIEWS_REFRESH_S: Setting = Setting::optional(
    "VIEWS_REFRESH_S",
    "15",
    "Seconds until the active generation of a view is read again; at most 60",
);

fn settings(reader: &mut Reader<'_>) -> (Table, Duration) {
    let refresh = reader.whole_number(&VIEWS_REFRESH_S, 1..=REFRESH_MAX.as_secs());
    (Table::new(reader.text(&VIEWS_TABLE_NAME)), Duration::from_secs(refresh))
}

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, (views, refresh)) = Wiring::of_function(settings)?;
        let (tables, environment) = (wiring.tables(), wiring.environment);
        let query = views.query("pk", "view-control");
        let health = Health::new(environment.clone()).required("views", query_answers(tables.clone(), query));
        let control = ViewControl::new(tables.clone(), views, environment.clone());
        let recommendations = Recommendations::new(tables, control, refresh)?;
        onecommit_lambda::serve_api(recommendations.api().merge(health.router()), environment).await
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../../docs/configuration.md");
        let wrong = onecommit_aws::undocumented(page, "Recommendations", super::settings);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
