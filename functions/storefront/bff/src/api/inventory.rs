use axum::extract::State;
use axum::http::StatusCode;
use onecommit_http::{ApiError, Json};
use serde::{Deserialize, Serialize};
use tonic::Code;
use tracing::warn;

use crate::bff::Bff;
use crate::ordering::is_sku;
use crate::request::Asked;
use crate::services::CATALOG_GRPC;

/// Whose stock is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    sku: String,
}

/// How much there is now.
#[derive(Serialize)]
pub(super) struct Checked {
    available: bool,
    /// At most 10^12, so that every reader of JSON reads it exactly.
    stock: i64,
}

/// `POST /inventory/check`: what there is to buy is nobody's own, so no session is asked for.
pub(super) async fn check(
    State(bff): State<Bff>,
    asked: Asked,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Checked>, ApiError> {
    if !is_sku(&wanted.sku) {
        return Err(invalid_sku());
    }
    let Some(inventory) = bff.services().inventory.as_ref() else {
        return Err(unavailable("has no address here; set CATALOG_GRPC_URL"));
    };
    let found = inventory.of(&wanted.sku, &asked.context).await.map_err(|error| {
        if error.code() == Some(Code::InvalidArgument) {
            return invalid_sku();
        }
        warn!(error = %error, "the stock of a product cannot be read");
        unavailable("does not answer now; send the same request again")
    })?;
    let in_stock = found.ok_or_else(|| ApiError::not_found("unknownProduct", "there is no such product"))?;
    Ok(Json(Checked {
        available: in_stock.available,
        stock: in_stock.stock,
    }))
}

fn invalid_sku() -> ApiError {
    let message = "sku: it has to be 1 to 64 letters, digits, '.', '_' or '-'";
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalidSku", message)
}

fn unavailable(what: &str) -> ApiError {
    ApiError::unavailable(format!("{CATALOG_GRPC} {what}")).with("service", CATALOG_GRPC)
}
