//! What is for sale, for everybody.

use std::collections::HashMap;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{
    Context, EmptyMutation, EmptySubscription, ID, Object, Result, Schema, SchemaBuilder, SimpleObject,
};
use storefront_catalog::{ProductReader, ShownProduct, Sku};

use crate::failure::{Failure, Found};
use crate::money::Money;
use crate::served::{Subgraph, loading};

/// The most products that one request names.
const IDS_MAX: usize = 100;

/// The subgraph of the catalog.
#[must_use]
pub fn catalog(products: ProductReader) -> Subgraph {
    Subgraph::new("catalog", schema(), move |request, _| {
        request.data(loading(Products(products.clone())))
    })
}

pub(crate) fn schema() -> SchemaBuilder<Query, EmptyMutation, EmptySubscription> {
    Schema::build(Query, EmptyMutation, EmptySubscription)
}

/// A product; its id is its SKU.
#[derive(Clone, SimpleObject)]
pub(crate) struct Product {
    /// The SKU.
    id: ID,
    /// What it is called.
    name: String,
    /// What it is listed under.
    category: String,
    /// More words about it; may be empty.
    description: String,
    /// What one costs.
    price: Money,
    /// The https address of a picture.
    image_url: Option<String>,
    /// Whether there is stock of it that can be reserved.
    available: bool,
}

impl From<ShownProduct> for Product {
    fn from(product: ShownProduct) -> Self {
        let description = &product.description;
        Self {
            id: product.sku.as_str().into(),
            name: description.name().to_owned(),
            category: description.category().to_owned(),
            description: description.description().to_owned(),
            price: description.price().money().into(),
            image_url: description.image_url().map(str::to_owned),
            available: product.is_available,
        }
    }
}

pub(crate) struct Query;

#[Object]
impl Query {
    /// A product by its SKU.
    async fn product(&self, context: &Context<'_>, id: ID) -> Found<Product> {
        product(context, &id).await.transpose()
    }

    /// Products by their SKUs, at most 100, each in its place; null where there is none.
    async fn products(&self, context: &Context<'_>, ids: Vec<ID>) -> Found<Vec<Option<Product>>> {
        Some(products(context, &ids).await)
    }

    #[graphql(entity)]
    async fn find_product_by_id(&self, context: &Context<'_>, id: ID) -> Found<Product> {
        product(context, &id).await.transpose()
    }
}

async fn products(context: &Context<'_>, ids: &[ID]) -> Result<Vec<Option<Product>>> {
    if ids.len() > IDS_MAX {
        return Err(Failure::Input("at most 100 products are named at once").into());
    }
    let skus: Vec<Option<Sku>> = ids.iter().map(|id| Sku::new(id.as_str()).ok()).collect();
    let found = context
        .data::<DataLoader<Products>>()?
        .load_many(skus.iter().flatten().cloned())
        .await?;
    let product = |sku: Option<Sku>| sku.and_then(|sku| found.get(&sku).cloned());
    Ok(skus.into_iter().map(product).collect())
}

/// What is not an SKU is no product's.
async fn product(context: &Context<'_>, id: &ID) -> Result<Option<Product>> {
    let Ok(sku) = Sku::new(id.as_str()) else {
        return Ok(None);
    };
    Ok(context.data::<DataLoader<Products>>()?.load_one(sku).await?)
}

/// Products of one request, all of one step at once.
struct Products(ProductReader);

impl Loader<Sku> for Products {
    type Value = Product;
    type Error = Failure;

    async fn load(&self, skus: &[Sku]) -> Result<HashMap<Sku, Product>, Failure> {
        let found = self.0.products(skus).await;
        let found = found.map_err(|error| Failure::unavailable(&error))?;
        Ok(found
            .into_iter()
            .map(|product| (product.sku.clone(), product.into()))
            .collect())
    }
}
