use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use onecommit_engine::{Cancellation, Condition, DatabaseError, Key, Transaction, Update};
use onecommit_http::{ApiError, Json, Preconditions, check_text, page_limit};
use serde::{Deserialize, Serialize};
use tracing::error;

use super::{sku_of, unknown_product};
use crate::Catalog;
use crate::service::product::{self, CATEGORIES, Product};
use crate::service::row::Row;
use crate::{Description, Price, Sku};

/// A product with what is said about it.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Described {
    sku: Sku,
    #[serde(flatten)]
    description: Description,
}

/// The same, and whether there is stock of it that can be reserved.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Listed {
    sku: Sku,
    #[serde(flatten)]
    description: Description,
    available: bool,
}

impl From<Product> for Listed {
    fn from(product: Product) -> Self {
        let available = product.is_available();
        let Product { sku, description, .. } = product;
        Self {
            sku,
            description,
            available,
        }
    }
}

/// The products that a caller named.
#[derive(Serialize)]
pub(super) struct Named {
    products: Vec<Listed>,
    /// Those that there are not.
    unknown: Vec<Sku>,
}

/// A page of products.
#[derive(Serialize)]
pub(super) struct Page {
    products: Vec<Listed>,
    /// What asks for the next page as `after`; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Sku>,
}

/// What a list answers.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "it is only described")]
pub(super) struct Products {
    products: Vec<Listed>,
    /// With `sku`: those that there are not.
    #[schema(value_type = Vec<Sku>, required = false)]
    unknown: Option<Vec<Sku>>,
    /// Without `sku`: what asks for the next page as `after`; absent on the last.
    #[schema(value_type = Sku, required = false)]
    next: Option<Sku>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Categories {
    categories: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Filter {
    /// Separated by commas.
    sku: Option<String>,
    category: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 100;
/// The most products that are named in one request: what one batch read has.
const NAMED_MAX: usize = 100;

/// `PUT /catalog/products/{sku}`: the product and its category in one transaction.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(put, path = "/catalog/products/{sku}", summary = "Describe a product", params(("sku" = String, Path, pattern = "^[A-Za-z0-9._-]{1,64}$", example = "teapot"), ("If-Match" = Option<String>, Header, description = "Only this version."), ("If-None-Match" = Option<String>, Header, description = "`*` only creates.")), request_body(content = crate::domain::Draft, example = json!({"name": "Teapot", "category": "teapots", "price": {"minorUnits": 1250, "currency": "EUR"}})), responses((status = 200, description = "The product from now on.", body = Described)))
)]
pub(super) async fn describe(
    State(catalog): State<Catalog>,
    Path(sku): Path<String>,
    preconditions: Preconditions,
    Json(description): Json<Description>,
) -> Result<Json<Described>, ApiError> {
    let sku = sku_of(sku)?;
    let unchanged = catalog.demanded(&sku, &preconditions).await?;
    let category = Key::of_view(CATEGORIES, description.category());
    let writes = vec![
        conditional(product::describe(&catalog.table, &sku, &description), unchanged.clone()).into(),
        catalog.table.put(category, []).into(),
    ];
    let transaction = Transaction::checked(catalog.environment.ids().next(), writes).map_err(|error| {
        error!(error = %error, "product exceeds the transaction limits");
        ApiError::internal()
    })?;
    match catalog.tables.transact(&transaction).await {
        Ok(()) => Ok(Json(Described { sku, description })),
        Err(error) if unchanged.is_some() && is_refused(&error) => Err(ApiError::version_mismatch()),
        Err(error) => Err(error.into()),
    }
}

/// `PUT /catalog/products/{sku}/price`.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(put, path = "/catalog/products/{sku}/price", summary = "Change a price", params(("sku" = String, Path, pattern = "^[A-Za-z0-9._-]{1,64}$", example = "teapot"), ("If-Match" = Option<String>, Header, description = "Only this version."), ("If-None-Match" = Option<String>, Header, description = "`*` only creates.")), request_body(content = Price, example = json!({"minorUnits": 1250, "currency": "EUR"})), responses((status = 200, description = "The price from now on.", body = Price)))
)]
pub(super) async fn price(
    State(catalog): State<Catalog>,
    Path(sku): Path<String>,
    preconditions: Preconditions,
    Json(price): Json<Price>,
) -> Result<Json<Price>, ApiError> {
    let sku = sku_of(sku)?;
    let unchanged = catalog.demanded(&sku, &preconditions).await?;
    let update = product::priced(catalog.table.update(product::key(&sku)), price);
    let write = conditional(update.only_if(Condition::exists("sku")), unchanged.clone()).into();
    match catalog.tables.write(&write).await {
        Ok(()) => Ok(Json(price)),
        Err(error) if unchanged.is_some() && is_refused(&error) => Err(ApiError::version_mismatch()),
        Err(DatabaseError::Cancelled(_)) => Err(unknown_product()),
        Err(error) => Err(error.into()),
    }
}

/// `GET /catalog/products/{sku}`.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/catalog/products/{sku}", summary = "A product", params(("sku" = String, Path, pattern = "^[A-Za-z0-9._-]{1,64}$", example = "teapot"), ("If-None-Match" = Option<String>, Header, description = "A version that the caller has.")), responses((status = 200, description = "The product.", body = Listed)))
)]
pub(super) async fn show(
    State(catalog): State<Catalog>,
    Path(sku): Path<String>,
    preconditions: Preconditions,
) -> Result<Response, ApiError> {
    let product = catalog.product(sku_of(sku)?).await?;
    Ok(preconditions.answer(product.shown_version(), Json(Listed::from(product))))
}

/// `GET /catalog/products?sku=` or `?category=`.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/catalog/products", summary = "Products by name, or a page of a category", params(("sku" = Option<String>, Query, description = "1 to 100 SKUs, separated by commas; excludes the others."), ("category" = Option<String>, Query, min_length = 1, max_length = 64, example = "teapots"), ("after" = Option<String>, Query, pattern = "^[A-Za-z0-9._-]{1,64}$"), ("limit" = Option<u32>, Query, minimum = 1, maximum = 100)), responses((status = 200, description = "With `sku` the products and those that are unknown, or else a page.", body = Products)))
)]
pub(super) async fn list(State(catalog): State<Catalog>, Query(filter): Query<Filter>) -> Result<Response, ApiError> {
    match &filter.sku {
        Some(_) if filter.category.is_some() || filter.after.is_some() || filter.limit.is_some() => {
            let message = "sku names all that is wanted; leave out category, after and limit";
            Err(ApiError::invalid("invalidFilter", message))
        }
        Some(names) => Ok(named(&catalog, names).await?.into_response()),
        None => Ok(of_category(&catalog, filter).await?.into_response()),
    }
}

/// The products of these names, in one batch read.
async fn named(catalog: &Catalog, names: &str) -> Result<Json<Named>, ApiError> {
    let mut skus = Vec::new();
    for name in names.split(',') {
        let sku = sku_of(name.to_owned())?;
        if !skus.contains(&sku) {
            skus.push(sku);
        }
        if skus.len() > NAMED_MAX {
            let message = format!("sku: it has to be 1 to {NAMED_MAX} SKUs, separated by commas");
            return Err(ApiError::invalid("tooManySkus", message));
        }
    }
    let found = catalog.reader().existing(&skus).await?;
    let unknown = skus
        .iter()
        .filter(|sku| !found.iter().any(|product| product.sku == **sku));
    Ok(Json(Named {
        unknown: unknown.cloned().collect(),
        products: found.into_iter().map(Listed::from).collect(),
    }))
}

/// A page of the products of a category, sorted by SKU.
async fn of_category(catalog: &Catalog, filter: Filter) -> Result<Json<Page>, ApiError> {
    let missing = || ApiError::invalid("noCategory", "say which: /catalog/products?category=...");
    let category = filter
        .category
        .filter(|category| !category.is_empty())
        .ok_or_else(missing)?;
    check_text("category", &category, 1..=Description::CATEGORY_BYTES_MAX)?;
    let limit = page_limit(filter.limit, LIMIT, 1..=LIMIT_MAX)?;
    let after = filter.after.map(sku_of).transpose()?;
    let page = catalog.reader().of_category(&category, after.as_ref(), limit).await?;
    Ok(Json(Page {
        products: page.products.into_iter().map(Listed::from).collect(),
        next: page.next,
    }))
}

/// `GET /catalog/categories`.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/catalog/categories", summary = "Every category that a product was ever in", responses((status = 200, description = "The categories.", body = Categories)))
)]
pub(super) async fn categories(State(catalog): State<Catalog>) -> Result<Json<Categories>, ApiError> {
    let mut categories = Vec::new();
    let mut next = Some(catalog.table.query("pk", CATEGORIES));
    while let Some(query) = next {
        let page = catalog.tables.query(&query).await?;
        for row in &page.rows {
            categories.push(Row(row).text("sk")?.to_owned());
        }
        next = page.next;
    }
    Ok(Json(Categories { categories }))
}

/// Whether a condition did not hold.
fn is_refused(error: &DatabaseError) -> bool {
    let DatabaseError::Cancelled(reasons) = error else {
        return false;
    };
    reasons
        .iter()
        .any(|reason| matches!(reason, Cancellation::ConditionFailed(_)))
}

/// The write, only where the condition holds, too.
fn conditional(update: Update, condition: Option<Condition>) -> Update {
    match condition {
        Some(condition) => update.only_if(condition),
        None => update,
    }
}

impl Catalog {
    /// What has to hold for a write because of the version that its caller demands, if they demand any.
    async fn demanded(&self, sku: &Sku, preconditions: &Preconditions) -> Result<Option<Condition>, ApiError> {
        if preconditions.is_empty() {
            return Ok(None);
        }
        let product = self.reader().product(sku).await?;
        preconditions.check(product.as_ref().map(Product::shown_version))?;
        Ok(Some(
            product.map_or(Condition::absent("sku"), |product| product.is_unchanged()),
        ))
    }

    /// A product that a caller asked for by its name.
    pub(super) async fn product(&self, sku: Sku) -> Result<Product, ApiError> {
        self.reader().product(&sku).await?.ok_or_else(unknown_product)
    }
}
