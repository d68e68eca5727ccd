use std::sync::Arc;

use onecommit_aws::Wiring;
use onecommit_engine::{Key, TableReader};
use onecommit_http::health::{Health, query_answers, row_answers};
use onecommit_views::{InvalidViewName, ViewControl};
use storefront_catalog::ProductReader;
use storefront_graph::Subgraph;
use storefront_orders::OrderReader;
use storefront_users::UserReader;

use crate::config::Sources;

/// The subgraph over these tables, and whether they answer.
pub(crate) fn subgraph(sources: Sources, wiring: &Wiring) -> Result<(Subgraph, Health), InvalidViewName> {
    let (tables, environment) = (wiring.tables(), wiring.environment.clone());
    let rows: Arc<dyn TableReader> = tables.clone();
    let health = Health::new(environment.clone());
    Ok(match sources {
        Sources::Catalog { table } => {
            let probe = row_answers(tables, table.clone(), Key::of_view("health", "health"));
            let products = ProductReader::new(rows, table);
            (storefront_graph::catalog(products), health.required("database", probe))
        }
        Sources::Orders { log, views, refresh } => {
            let probe = query_answers(tables.clone(), views.query("pk", "view-control"));
            let control = ViewControl::new(tables, views, environment);
            let orders = OrderReader::new(rows, log, control, refresh)?;
            (storefront_graph::orders(orders), health.required("views", probe))
        }
        Sources::Users { table, sealing } => {
            let probe = row_answers(tables.clone(), table.clone(), Key::new("userId", "health"));
            let (keys, kms_key) = (sealing.subject_keys, sealing.kms_key);
            let sealer = onecommit_aws::sealer(tables.clone(), keys, &wiring.session, kms_key, environment);
            let users = UserReader::new(rows, table, Arc::new(sealer));
            (storefront_graph::users(users), health.required("database", probe))
        }
    })
}
