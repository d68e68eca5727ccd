use axum::extract::{Path, State};
use onecommit_engine::{Cancellation, Condition, DatabaseError, Item, Key, Transaction, Value};
use onecommit_http::{ApiError, Json};
use serde::{Deserialize, Serialize};

use super::{sku_of, unknown_product};
use crate::Catalog;
use crate::service::product::{self, Product, STOCK_MAX};
use crate::{Sku, StockMove};

/// How many of a product there are.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct InStock {
    sku: Sku,
    start: i64,
    available: i64,
    held: i64,
    confirmed: i64,
}

/// So many came in. The caller names the addition, so that the same one sent again adds nothing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Addition {
    /// 1 to 128 bytes.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 128, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")
    )]
    addition_id: String,
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000_000))]
    quantity: i64,
}

const ADDITION_ID_BYTES_MAX: usize = 128;
/// The most that comes in at once.
const ADDED_MAX: i64 = 1_000_000_000;

impl From<Product> for InStock {
    fn from(Product { sku, stock, .. }: Product) -> Self {
        Self {
            sku,
            start: stock.start,
            available: stock.available,
            held: stock.held,
            confirmed: stock.confirmed,
        }
    }
}

/// `GET /catalog/products/{sku}/stock`.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/catalog/products/{sku}/stock", operation_id = "stock", summary = "The stock of a product", params(("sku" = String, Path, pattern = "^[A-Za-z0-9._-]{1,64}$", example = "teapot")), responses((status = 200, description = "The stock.", body = InStock)))
)]
pub(super) async fn show(State(catalog): State<Catalog>, Path(sku): Path<String>) -> Result<Json<InStock>, ApiError> {
    Ok(Json(catalog.product(sku_of(sku)?).await?.into()))
}

/// `POST /catalog/products/{sku}/stock`: the addition and the stock in one transaction.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(post, path = "/catalog/products/{sku}/stock", operation_id = "addStock", summary = "Add stock", params(("sku" = String, Path, pattern = "^[A-Za-z0-9._-]{1,64}$", example = "teapot")), request_body(content = Addition, example = json!({"additionId": "delivery-4711", "quantity": 12})), responses((status = 200, description = "The stock from now on.", body = InStock)))
)]
pub(super) async fn add(
    State(catalog): State<Catalog>,
    Path(sku): Path<String>,
    Json(addition): Json<Addition>,
) -> Result<Json<InStock>, ApiError> {
    let sku = sku_of(sku)?;
    addition.check()?;
    let key = Key::of_view(product::partition(&sku), format!("addition#{}", addition.addition_id));
    let row = [("quantity".to_owned(), Value::from(addition.quantity))];
    let stock = product::move_stock(&catalog.table, &sku, StockMove::Add, addition.quantity)
        .only_if(Condition::exists("sku").and(Condition::less("start", STOCK_MAX - addition.quantity + 1)));
    let writes = vec![catalog.table.put(key, row).only_if_absent().into(), stock.into()];
    let transaction = Transaction::checked(catalog.environment.ids().next(), writes).map_err(|error| {
        tracing::error!(error = %error, "stock addition exceeds the transaction limits");
        ApiError::internal()
    })?;
    match catalog.tables.transact(&transaction).await {
        Ok(()) => {}
        Err(DatabaseError::Cancelled(reasons)) => why_not(&reasons, &addition)?,
        Err(error) => return Err(error.into()),
    }
    Ok(Json(catalog.product(sku).await?.into()))
}

impl Addition {
    fn check(&self) -> Result<(), ApiError> {
        let id = &self.addition_id;
        if id.is_empty() || id.len() > ADDITION_ID_BYTES_MAX || id.chars().any(char::is_control) {
            let message = format!("additionId is 1 to {ADDITION_ID_BYTES_MAX} bytes without control characters");
            return Err(ApiError::invalid("invalidAdditionId", message));
        }
        if !(1..=ADDED_MAX).contains(&self.quantity) {
            let message = format!("quantity: it has to be from 1 to {ADDED_MAX}");
            return Err(ApiError::invalid("invalidQuantity", message));
        }
        Ok(())
    }
}

/// Nothing landed. That is well when the same addition landed before, and an error otherwise.
fn why_not(reasons: &[Cancellation], addition: &Addition) -> Result<(), ApiError> {
    let found = |place: usize| match reasons.get(place) {
        Some(Cancellation::ConditionFailed(found)) => Some(found.as_ref()),
        _ => None,
    };
    let quantity_in = |row: &Item| row.get("quantity").and_then(Value::as_i64);
    match (found(0), found(1)) {
        (Some(earlier), _) if earlier.and_then(quantity_in) == Some(addition.quantity) => Ok(()),
        (Some(_), _) => Err(ApiError::conflict(
            "additionIdReused",
            "this additionId was used before with another quantity",
        )),
        (None, Some(None)) => Err(unknown_product()),
        (None, Some(Some(_))) => Err(ApiError::conflict(
            "stockTooLarge",
            format!("the stock would be more than {STOCK_MAX}"),
        )),
        (None, None) => Err(DatabaseError::Cancelled(reasons.to_vec()).into()),
    }
}
