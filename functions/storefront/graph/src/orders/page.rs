use async_graphql::dataloader::DataLoader;
use async_graphql::{Context, Result};
use storefront_orders::ReadOrder;
use storefront_orders::views::OrderPlace;

use super::loaders::{Orders, Wanted};
use crate::failure::{Failure, viewer};

/// The most orders of a page.
const FIRST_MAX: i32 = 50;

/// A page of orders.
pub(super) struct Page {
    pub(super) orders: Vec<ReadOrder>,
    /// After which place there may be more.
    pub(super) next: Option<OrderPlace>,
}

/// The viewer's orders, or those of them that a product is in.
pub(super) async fn page(context: &Context<'_>, sku: Option<&str>, first: i32, after: Option<&str>) -> Result<Page> {
    viewer(context)?;
    let wanted = Wanted {
        sku: sku.map(str::to_owned),
        first: count(first)?,
        after: after.map(place).transpose()?.map(|place| place.to_string()),
    };
    let orders = context.data::<DataLoader<Orders>>()?;
    let page = orders.load_one(wanted).await?.unwrap_or_default();
    let ids: Vec<String> = page.orders.into_iter().map(|(id, _)| id).collect();
    let mut found = orders.load_many(ids.iter().cloned()).await?;
    Ok(Page {
        orders: ids.iter().filter_map(|id| found.remove(id)).collect(),
        next: page.next,
    })
}

fn count(first: i32) -> Result<usize, Failure> {
    let out_of_range = Failure::Input("first is a number from 1 to 50");
    match first {
        1..=FIRST_MAX => usize::try_from(first).map_err(|_| out_of_range),
        _ => Err(out_of_range),
    }
}

fn place(text: &str) -> Result<OrderPlace, Failure> {
    OrderPlace::parse(text).map_err(|_| Failure::Input("after is the endCursor of the page before"))
}
