//! Products as they are read, for whatever answers with them.

use std::sync::Arc;

use onecommit_engine::{DatabaseError, Item, Key, Table, TableReader, Value};
use tracing::error;

use crate::service::product::{self, CATEGORY_INDEX, Product};
use crate::service::row::ReadError;
use crate::{Description, Sku};

/// Products of the catalog's table, for what reads them and writes nothing.
#[derive(Clone)]
pub struct ProductReader {
    rows: Arc<dyn TableReader>,
    table: Table,
}

/// A product as everybody may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownProduct {
    /// The product.
    pub sku: Sku,
    /// What is said about it.
    pub description: Description,
    /// Whether there is stock of it that can be reserved.
    pub is_available: bool,
}

/// A page of a category's products, sorted by SKU.
pub(crate) struct CategoryPage {
    pub(crate) products: Vec<Product>,
    /// The last product of the page, after which the next begins; nothing on the last page.
    pub(crate) next: Option<Sku>,
}

impl ProductReader {
    /// A reader of the catalog's `table` through `rows`.
    #[must_use]
    pub fn new(rows: Arc<dyn TableReader>, table: Table) -> Self {
        Self { rows, table }
    }

    /// Those of these products that there are, in their order. One request for a hundred of them. A row that cannot be read is
    /// in the log; it does not hide the others.
    ///
    /// # Errors
    /// When the table does not answer, or refuses to.
    pub async fn products(&self, skus: &[Sku]) -> Result<Vec<ShownProduct>, DatabaseError> {
        let products = self.existing(skus).await?;
        Ok(products.into_iter().map(ShownProduct::from).collect())
    }

    /// One product, if there is one of this SKU.
    pub(crate) async fn product(&self, sku: &Sku) -> Result<Option<Product>, ReadError> {
        let row = self.rows.get(&self.table, &product::key(sku)).await?;
        Ok(row.map(|row| Product::read(&row)).transpose()?)
    }

    /// As [`products`](Self::products), with all that their rows say.
    pub(crate) async fn existing(&self, skus: &[Sku]) -> Result<Vec<Product>, DatabaseError> {
        let keys: Vec<Key> = skus.iter().map(product::key).collect();
        let rows = self.rows.get_many(&self.table, &keys).await?;
        let read = rows.iter().flatten().map(Product::read);
        let logged = read.map(|read| {
            read.inspect_err(|error| error!(error = %error, "product was left out of a list: its row cannot be read"))
        });
        Ok(logged.filter_map(Result::ok).collect())
    }

    /// The products of a category after this one. The index has no stock, so that an order that moves stock writes nothing to it:
    /// what is shown is read from the table.
    pub(crate) async fn of_category(
        &self,
        category: &str,
        after: Option<&Sku>,
        limit: u32,
    ) -> Result<CategoryPage, DatabaseError> {
        let products = self.table.query("category", category);
        let mut query = products.on_index(CATEGORY_INDEX, "sku").rows_max(limit);
        if let Some(after) = after {
            query = query.after(place_in_category(after, category));
        }
        let page = self.rows.query(&query).await?;
        let skus: Vec<Sku> = page.rows.iter().filter_map(product::sku_in).collect();
        let found = self.existing(&skus).await?.into_iter();
        let last = page.rows.last().and_then(product::sku_in);
        Ok(CategoryPage {
            // The index may be a moment behind the table.
            products: found
                .filter(|product| product.description.category() == category)
                .collect(),
            next: last.filter(|_| page.next.is_some()),
        })
    }
}

/// Where in the index a product is: the key of the index and that of the table.
fn place_in_category(sku: &Sku, category: &str) -> Item {
    let key = product::key(sku).attributes().to_vec();
    let of_index = [("category", category), ("sku", sku.as_str())];
    let of_index = of_index.map(|(name, value)| (name.to_owned(), Value::from(value)));
    key.into_iter().chain(of_index).collect()
}

impl From<Product> for ShownProduct {
    fn from(product: Product) -> Self {
        let is_available = product.is_available();
        let Product { sku, description, .. } = product;
        Self {
            sku,
            description,
            is_available,
        }
    }
}

impl std::fmt::Debug for ProductReader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ProductReader")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
