use std::sync::Arc;

use async_graphql::dataloader::DataLoader;
use async_graphql::{Context, EmptyMutation, EmptySubscription, ID, Object, Result, Schema, SchemaBuilder};
use storefront_orders::OrderReader;
use storefront_viewer::Viewer;

use super::loaders::Orders;
use super::types::{Order, OrderConnection, Product, User, connection};
use crate::failure::{Found, viewer};
use crate::served::{Subgraph, loading};

/// The subgraph of orders.
#[must_use]
pub fn orders(orders: OrderReader) -> Subgraph {
    let reader = Arc::new(orders);
    Subgraph::new("orders", schema(), move |request, viewer: Option<&Viewer>| {
        let viewer = viewer.cloned();
        let reader = Arc::clone(&reader);
        request.data(loading(Orders { reader, viewer }))
    })
}

pub(crate) fn schema() -> SchemaBuilder<Query, EmptyMutation, EmptySubscription> {
    Schema::build(Query, EmptyMutation, EmptySubscription)
}

pub(crate) struct Query;

#[Object]
impl Query {
    /// An order of the viewer's; null where there is none.
    async fn order(&self, context: &Context<'_>, id: ID) -> Found<Order> {
        order(context, id).await.transpose()
    }

    /// The viewer's orders that a product is in, the newest first: at most 50 at once.
    async fn orders_by_product(
        &self,
        context: &Context<'_>,
        product_id: ID,
        #[graphql(default = 10)] first: i32,
        after: Option<String>,
    ) -> Found<OrderConnection> {
        Some(connection(context, Some(product_id.as_str()), first, after.as_deref()).await)
    }

    #[graphql(entity)]
    async fn find_order_by_id(&self, context: &Context<'_>, id: ID) -> Found<Order> {
        order(context, id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_product_by_id(&self, id: ID) -> Product {
        Product { id }
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, id: ID) -> User {
        User { id }
    }
}

async fn order(context: &Context<'_>, id: ID) -> Result<Option<Order>> {
    viewer(context)?;
    let found = context.data::<DataLoader<Orders>>()?.load_one(id.0).await?;
    Ok(found.map(Order))
}
