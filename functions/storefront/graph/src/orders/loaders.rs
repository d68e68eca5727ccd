use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use storefront_orders::views::OrderPlace;
use storefront_orders::{CustomerOrders, OrderReadError, OrderReader, ReadOrder, TEXT_BYTES_MAX};
use storefront_viewer::Viewer;

use crate::failure::Failure;

/// The orders of one request's viewer; what is asked of many orders or products in one step is read at once.
pub(super) struct Orders {
    pub(super) reader: Arc<OrderReader>,
    pub(super) viewer: Option<Viewer>,
}

/// A page of the viewer's orders.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    /// Those alone that this product is in.
    pub(super) sku: Option<String>,
    /// How many at most.
    pub(super) first: usize,
    /// After which place, as text.
    pub(super) after: Option<String>,
}

impl Orders {
    fn viewer(&self) -> Result<&str, Failure> {
        let viewer = self.viewer.as_ref().ok_or(Failure::NotSignedIn)?;
        Ok(viewer.user_id())
    }

    async fn page(&self, wanted: &Wanted) -> Result<CustomerOrders, Failure> {
        let after = wanted.after.as_deref().and_then(|text| OrderPlace::parse(text).ok());
        let page = self.reader.of_customer(self.viewer()?, after.as_ref(), wanted.first);
        page.await.map_err(not_read)
    }

    /// Pages of the same length from the same place on, one for each product.
    async fn pages(&self, wanted: &[&Wanted]) -> Result<BTreeMap<String, CustomerOrders>, Failure> {
        let Some(one) = wanted.first() else {
            return Ok(BTreeMap::new());
        };
        let skus: Vec<&str> = wanted.iter().filter_map(|wanted| wanted.sku.as_deref()).collect();
        let after = one.after.as_deref().and_then(|text| OrderPlace::parse(text).ok());
        let pages = self
            .reader
            .of_customer_with(self.viewer()?, &skus, after.as_ref(), one.first);
        pages.await.map_err(not_read)
    }
}

/// Orders by their ids. Those of other people are left out, as if there were none.
impl Loader<String> for Orders {
    type Value = ReadOrder;
    type Error = Failure;

    async fn load(&self, ids: &[String]) -> Result<HashMap<String, ReadOrder>, Failure> {
        let viewer = self.viewer()?;
        // What is longer than any order's id is nobody's, and would be no key.
        let is_id = |id: &&str| (1..=TEXT_BYTES_MAX).contains(&id.len());
        let ids: Vec<&str> = ids.iter().map(String::as_str).filter(is_id).collect();
        let found = self.reader.orders(&ids).await.map_err(not_read)?;
        let own = found.into_iter().filter(|order| order.customer_id == viewer);
        Ok(own.map(|order| (order.order_id.clone(), order)).collect())
    }
}

/// Pages of orders: those that name products are read with one pass over the viewer's orders.
impl Loader<Wanted> for Orders {
    type Value = CustomerOrders;
    type Error = Failure;

    async fn load(&self, wanted: &[Wanted]) -> Result<HashMap<Wanted, CustomerOrders>, Failure> {
        let mut found = HashMap::new();
        let mut alike: BTreeMap<(usize, Option<&str>), Vec<&Wanted>> = BTreeMap::new();
        for page in wanted {
            match page.sku {
                Some(_) => alike.entry((page.first, page.after.as_deref())).or_default().push(page),
                None => drop(found.insert(page.clone(), self.page(page).await?)),
            }
        }
        for group in alike.into_values() {
            let mut pages = self.pages(&group).await?;
            for page in group {
                let of_product = page.sku.as_ref().and_then(|sku| pages.remove(sku));
                found.insert(page.clone(), of_product.unwrap_or_default());
            }
        }
        Ok(found)
    }
}

fn not_read(error: OrderReadError) -> Failure {
    match error {
        OrderReadError::Corrupt => Failure::internal(&error),
        _ => Failure::unavailable(&error),
    }
}
