use std::sync::Arc;

use onecommit_engine::{DatabaseError, Key, Table, TableReader};
use tracing::error;

use crate::service::product::{self, Product};
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
        let keys: Vec<Key> = skus.iter().map(product::key).collect();
        let rows = self.rows.get_many(&self.table, &keys).await?;
        let read = rows.iter().flatten().map(Product::read);
        let logged = read.map(|read| {
            read.inspect_err(|error| error!(error = %error, "product was left out: its row cannot be read"))
        });
        Ok(logged.filter_map(Result::ok).map(ShownProduct::from).collect())
    }
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
