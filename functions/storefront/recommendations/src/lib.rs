//! Recommendations: what customers also bought. It has no tables of its own; it shows the view `also-bought` of orders, and
//! always a generation of it that is whole.

mod api;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use onecommit_engine::TableReader;
use onecommit_views::{InvalidViewName, ViewControl, ViewName, ViewReader};
use storefront_views::AlsoBoughtView;

pub use api::COUNT_MAX;

/// Recommendations from the views of orders.
#[derive(Clone)]
pub struct Recommendations(Arc<Inner>);

struct Inner {
    rows: Arc<dyn TableReader>,
    view: ViewReader,
}

impl Recommendations {
    /// From the views that `control` knows, read through `rows`. Which generation of the view serves is looked up again
    /// when what is known is older than `refresh`.
    ///
    /// # Errors
    /// Never, as long as the view's name is one.
    pub fn new(rows: Arc<dyn TableReader>, control: ViewControl, refresh: Duration) -> Result<Self, InvalidViewName> {
        let name = ViewName::new(AlsoBoughtView::NAME)?;
        let view = ViewReader::new(name, control, refresh);
        Ok(Self(Arc::new(Inner { rows, view })))
    }

    /// The API: `GET /recommendations/{sku}`.
    pub fn api(&self) -> Router {
        api::router(self.clone())
    }
}

impl std::fmt::Debug for Recommendations {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Recommendations").finish_non_exhaustive()
    }
}
