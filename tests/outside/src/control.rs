use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, put};
use axum::{Json, Router};
use serde_json::Value;

use crate::{Fault, Outside};

pub(crate) fn router() -> Router<Outside> {
    Router::new()
        .route("/control/faults", put(faults))
        .route("/control/products/{code}", put(product))
        .route("/control/report", get(report))
}

async fn faults(State(outside): State<Outside>, Json(names): Json<Vec<String>>) -> StatusCode {
    let faults: Option<Vec<Fault>> = names.iter().map(|name| Fault::named(name)).collect();
    match faults {
        Some(faults) => {
            outside.fail(faults);
            StatusCode::NO_CONTENT
        }
        None => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

async fn product(State(outside): State<Outside>, Path(code): Path<String>, product: String) -> StatusCode {
    outside.state().catalog.put(code, product);
    StatusCode::NO_CONTENT
}

async fn report(State(outside): State<Outside>) -> Json<Value> {
    Json(outside.report())
}
