use axum::extract::{Path, Query, State};
use onecommit_engine::{Condition, DatabaseError, Item, Key, Transaction, Value};
use onecommit_http::{ApiError, Json, check_text};
use serde::{Deserialize, Serialize};
use tracing::error;

use super::{sku_of, unknown_product};
use crate::Catalog;
use crate::service::product::{self, CATEGORIES, CATEGORY_INDEX, Product};
use crate::service::row::{ReadError, Row};
use crate::{Description, Price, Sku};

/// A product with what is said about it.
#[derive(Serialize)]
pub(super) struct Listed {
    sku: Sku,
    #[serde(flatten)]
    description: Description,
}

/// A page of products.
#[derive(Serialize)]
pub(super) struct Page {
    products: Vec<Listed>,
    /// What asks for the next page as `after`; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Sku>,
}

#[derive(Serialize)]
pub(super) struct Categories {
    categories: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Filter {
    category: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 100;

/// `PUT /catalog/products/{sku}`: the product and its category in one transaction.
pub(super) async fn describe(
    State(catalog): State<Catalog>,
    Path(sku): Path<String>,
    Json(description): Json<Description>,
) -> Result<Json<Listed>, ApiError> {
    let sku = sku_of(sku)?;
    let category = Key::of_view(CATEGORIES, description.category());
    let writes = vec![
        product::describe(&catalog.table, &sku, &description).into(),
        catalog.table.put(category, []).into(),
    ];
    let transaction = Transaction::checked(catalog.environment.ids().next(), writes).map_err(|error| {
        error!(error = %error, "product exceeds the transaction limits");
        ApiError::internal()
    })?;
    catalog.database.transact(&transaction).await?;
    Ok(Json(Listed { sku, description }))
}

/// `PUT /catalog/products/{sku}/price`.
pub(super) async fn price(
    State(catalog): State<Catalog>,
    Path(sku): Path<String>,
    Json(price): Json<Price>,
) -> Result<Json<Price>, ApiError> {
    let sku = sku_of(sku)?;
    let update = product::priced(catalog.table.update(product::key(&sku)), price);
    let write = update.only_if(Condition::exists("sku")).into();
    match catalog.database.write(&write).await {
        Ok(()) => Ok(Json(price)),
        Err(DatabaseError::Cancelled(_)) => Err(unknown_product()),
        Err(error) => Err(error.into()),
    }
}

/// `GET /catalog/products/{sku}`.
pub(super) async fn show(State(catalog): State<Catalog>, Path(sku): Path<String>) -> Result<Json<Listed>, ApiError> {
    let sku = sku_of(sku)?;
    let Product { sku, description, .. } = catalog.product(sku).await?;
    Ok(Json(Listed { sku, description }))
}

/// `GET /catalog/products?category=`, sorted by SKU.
pub(super) async fn list(State(catalog): State<Catalog>, Query(filter): Query<Filter>) -> Result<Json<Page>, ApiError> {
    let missing = || ApiError::invalid("noCategory", "say which: /catalog/products?category=...");
    let category = filter
        .category
        .filter(|category| !category.is_empty())
        .ok_or_else(missing)?;
    check_text("category", &category, 1..=Description::CATEGORY_BYTES_MAX)?;
    let limit = filter.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let message = format!("limit: it has to be from 1 to {LIMIT_MAX}");
        return Err(ApiError::invalid("invalidLimit", message));
    }
    let products = catalog.table.query("category", category.as_str());
    let mut query = products.on_index(CATEGORY_INDEX, "sku").rows_max(limit);
    if let Some(after) = filter.after {
        query = query.after(place_in_category(&sku_of(after)?, &category));
    }
    let page = catalog.rows.query(&query).await?;
    // A row that cannot be read is in the log; it does not hide the others.
    let listed = page.rows.iter().filter_map(|row| {
        let read = product::read_description(row);
        let (sku, description) = read
            .inspect_err(|error| error!(error = %error, "product was left out of a list: its row cannot be read"))
            .ok()?;
        Some(Listed { sku, description })
    });
    let products: Vec<Listed> = listed.collect();
    let last = page.rows.last().and_then(product::sku_in);
    Ok(Json(Page {
        next: last.filter(|_| page.next.is_some()),
        products,
    }))
}

/// `GET /catalog/categories`.
pub(super) async fn categories(State(catalog): State<Catalog>) -> Result<Json<Categories>, ApiError> {
    let mut categories = Vec::new();
    let mut next = Some(catalog.table.query("pk", CATEGORIES));
    while let Some(query) = next {
        let page = catalog.rows.query(&query).await?;
        for row in &page.rows {
            categories.push(Row(row).text("sk")?.to_owned());
        }
        next = page.next;
    }
    Ok(Json(Categories { categories }))
}

/// Where in the index a product is: the key of the index and that of the table.
fn place_in_category(sku: &Sku, category: &str) -> Item {
    let key = product::key(sku).attributes().to_vec();
    let of_index = [("category", category), ("sku", sku.as_str())];
    let of_index = of_index.map(|(name, value)| (name.to_owned(), Value::from(value)));
    key.into_iter().chain(of_index).collect()
}

impl Catalog {
    /// A product that a caller asked for by its name.
    pub(super) async fn product(&self, sku: Sku) -> Result<Product, ApiError> {
        let key = product::key(&sku);
        let row = self.rows.get(&self.table, &key).await?;
        match row {
            Some(row) => Ok(Product::read(&row).map_err(ReadError::from)?),
            None => Err(unknown_product()),
        }
    }
}
