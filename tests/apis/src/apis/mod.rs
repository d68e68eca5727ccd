//! The APIs, each with something in its tables that the examples of its description name.

mod catalog;
mod notifications;
mod orders;
mod payments;
mod recommendations;
mod users;

use std::future::Future;
use std::pin::Pin;

use axum::Router;

type Made = Pin<Box<dyn Future<Output = anyhow::Result<Router>>>>;

/// An API that has a description in OpenAPI.
pub(crate) struct Api {
    pub(crate) name: &'static str,
    made: fn() -> Made,
}

impl Api {
    /// Its routes, on tables of its own.
    pub(crate) async fn router(&self) -> anyhow::Result<Router> {
        (self.made)().await
    }
}

/// All of them.
pub(crate) fn all() -> [Api; 6] {
    [
        Api {
            name: "catalog",
            made: || Box::pin(catalog::api()),
        },
        Api {
            name: "notifications",
            made: || Box::pin(notifications::api()),
        },
        Api {
            name: "orders",
            made: || Box::pin(orders::api()),
        },
        Api {
            name: "payments",
            made: || Box::pin(payments::api()),
        },
        Api {
            name: "recommendations",
            made: || Box::pin(recommendations::api()),
        },
        Api {
            name: "users",
            made: || Box::pin(users::api()),
        },
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use std::collections::BTreeSet;
    use std::path::Path;

    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt;

    #[test]
    fn every_api_that_has_a_description_is_compared_with_it() {
        let contexts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions/storefront");
        let contexts = contexts.read_dir().unwrap().map(Result::unwrap);
        let described = contexts.filter(|context| context.path().join("openapi.json").exists());
        let described: BTreeSet<String> = described
            .map(|context| context.file_name().into_string().unwrap())
            .collect();
        let compared = super::all().map(|api| api.name.to_owned());
        assert_eq!(described, compared.into());
    }

    #[tokio::test]
    async fn what_the_tables_hold_from_the_start_is_taken_and_the_description_is_served() {
        for api in super::all() {
            let router = api.router().await.unwrap();
            let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
            assert_eq!(router.oneshot(request).await.unwrap().status(), 200, "{}", api.name);
        }
    }
}
