use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, put};
use onecommit_http::{ApiError, Json, check_text};
use serde::{Deserialize, Serialize};
use storefront_money::Money;
use tracing::warn;

use super::{Behaviour, LocalProvider, Towards};
use crate::service::provider::ProviderError;
use crate::{PaymentId, Terms};

pub(super) fn router(provider: LocalProvider) -> Router {
    Router::new()
        .route("/payments/local-provider/behaviour", put(behave))
        .route("/payments/local-provider/payments/{order_id}", get(payment))
        .with_state(provider)
}

/// Exactly one of `customerId` and `method`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct Told {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 512))]
    customer_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 512))]
    method: Option<String>,
    behaviour: Behaviour,
}

/// What the provider knows of an order's payment.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AtProvider))]
pub(crate) struct Shown {
    payment_id: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Money>,
}

#[cfg_attr(
    feature = "openapi",
    utoipa::path(put, path = "/payments/local-provider/behaviour", summary = "How the local provider treats a customer or a method", description = "Only on stages with the local provider.", request_body(content = Told, example = json!({"customerId": "cus_2", "behaviour": "decline"})), responses((status = 200, description = "How it treats them from now on.", body = Told)))
)]
pub(crate) async fn behave(
    State(provider): State<LocalProvider>,
    Json(told): Json<Told>,
) -> Result<Json<Told>, ApiError> {
    for (field, text) in [("customerId", &told.customer_id), ("method", &told.method)] {
        if let Some(text) = text {
            check_text(field, text, 1..=Terms::TEXT_BYTES_MAX)?;
        }
    }
    let towards = match told.clone() {
        Told {
            customer_id: Some(id),
            method: None,
            ..
        } => Towards::Customer(id),
        Told {
            customer_id: None,
            method: Some(name),
            ..
        } => Towards::Method(name),
        _ => {
            let message = "say towards whom: either customerId or method";
            return Err(ApiError::invalid("invalidBehaviour", message));
        }
    };
    provider.behave(&towards, told.behaviour).await?;
    Ok(Json(told))
}

#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/payments/local-provider/payments/{orderId}", summary = "What the local provider did", description = "Only on stages with the local provider.", params(("orderId" = String, Path, min_length = 1, example = "ord_1")), responses((status = 200, description = "The payment, by the provider's own table.", body = Shown)))
)]
pub(crate) async fn payment(
    State(provider): State<LocalProvider>,
    Path(order_id): Path<String>,
) -> Result<Json<Shown>, ApiError> {
    let id = PaymentId::of_order(&order_id);
    id.stream()
        .map_err(|error| ApiError::invalid("invalidOrderId", format!("orderId: {error}")))?;
    let entry = provider.entry(&id).await.map_err(|error| match error {
        ProviderError::NoAnswer(source) => {
            warn!(error = %source, "table of the local provider did not answer");
            ApiError::unavailable("the local provider is not available")
        }
        ProviderError::Refused(_) => ApiError::internal(),
    })?;
    let unknown = || ApiError::not_found("unknownPayment", "the provider has no payment for this order");
    let entry = entry.ok_or_else(unknown)?;
    Ok(Json(Shown {
        payment_id: id.to_string(),
        status: entry.done.word(),
        amount: entry.terms.map(|terms| terms.amount),
    }))
}
