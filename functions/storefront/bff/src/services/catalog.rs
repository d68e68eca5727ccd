use std::collections::BTreeMap;

use onecommit_client::{CallContext, CallError, Client, segment};
use serde::Deserialize;
use storefront_money::Money;

/// The API of the catalog. Its answers are the same for everybody, so they are kept, except where money depends on them.
#[derive(Clone, Debug)]
pub(crate) struct Catalog(pub(super) Client);

/// A product as it is offered.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Product {
    pub(crate) sku: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    pub(crate) image_url: Option<String>,
    pub(crate) price: Option<Money>,
    /// Whether some of it can be reserved.
    pub(crate) available: bool,
}

/// Products by their SKUs; what the catalog does not know is not in there.
pub(crate) type Products = BTreeMap<String, Product>;

#[derive(Deserialize)]
struct Page {
    products: Vec<Product>,
}

#[derive(Deserialize)]
struct Categories {
    categories: Vec<String>,
}

/// The most products of one batch read.
pub(crate) const BATCH_MAX: usize = 100;

impl Product {
    /// The address of its image, if a page may show it.
    pub(crate) fn image(&self) -> Option<&str> {
        self.image_url.as_deref().filter(|url| url.starts_with("https://"))
    }
}

impl Catalog {
    /// Every category.
    pub(crate) async fn categories(&self, context: &CallContext) -> Result<Vec<String>, CallError> {
        let categories: Categories = self.0.on_behalf_of(context).get("/catalog/categories").await?;
        Ok(categories.categories)
    }

    /// The first products of a category.
    pub(crate) async fn of_category(&self, category: &str, context: &CallContext) -> Result<Vec<Product>, CallError> {
        let path = format!("/catalog/products?category={}", segment(category));
        let page: Page = self.0.on_behalf_of(context).get(&path).await?;
        Ok(page.products)
    }

    /// These products as they were within the last minute, in one request; at most [`BATCH_MAX`] of them.
    pub(crate) async fn products(&self, skus: &[String], context: &CallContext) -> Result<Products, CallError> {
        let page: Page = self.0.on_behalf_of(context).get(&batch(skus)).await?;
        Ok(by_sku(page))
    }

    /// These products as they are now: what somebody pays depends on it.
    pub(crate) async fn products_now(&self, skus: &[String], context: &CallContext) -> Result<Products, CallError> {
        let call = self.0.on_behalf_of(context).get::<Page>(&batch(skus));
        Ok(by_sku(call.without_cache().await?))
    }
}

fn batch(skus: &[String]) -> String {
    let some = &skus[..skus.len().min(BATCH_MAX)];
    format!("/catalog/products?sku={}", segment(&some.join(",")))
}

fn by_sku(page: Page) -> Products {
    let named = page.products.into_iter().map(|product| (product.sku.clone(), product));
    named.collect()
}
