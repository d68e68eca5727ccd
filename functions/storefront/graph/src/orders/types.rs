use async_graphql::{ComplexObject, Context, Enum, ID, Object, Result, SimpleObject};
use storefront_orders::{Line, OrderStatus as Status, ReadOrder};

use super::page::{Page, page};
use crate::failure::{Found, own};
use crate::money::Money;

/// Where an order is on its way.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub(crate) enum OrderStatus {
    /// Placed, and not yet certain.
    Created,
    /// Goods are reserved, money is taken.
    Confirmed,
    /// It will not be fulfilled.
    Cancelled,
    /// On its way.
    Shipped,
    /// With the customer.
    Delivered,
}

impl From<Status> for OrderStatus {
    fn from(status: Status) -> Self {
        match status {
            // An order that is read was placed.
            Status::NotPlaced | Status::Created => Self::Created,
            Status::Confirmed => Self::Confirmed,
            Status::Cancelled => Self::Cancelled,
            Status::Shipped => Self::Shipped,
            Status::Delivered => Self::Delivered,
        }
    }
}

/// An order that was placed.
#[derive(Clone)]
pub(crate) struct Order(pub(super) ReadOrder);

#[Object]
impl Order {
    /// The order.
    async fn id(&self) -> ID {
        self.0.order_id.as_str().into()
    }

    /// Where it is on its way.
    async fn status(&self) -> OrderStatus {
        self.0.status.into()
    }

    /// What it costs in all.
    async fn total(&self) -> Money {
        self.0.total.into()
    }

    /// When it was placed, in RFC 3339.
    async fn created_at(&self) -> String {
        self.0.created_at.to_string()
    }

    /// What was ordered.
    async fn items(&self) -> Vec<OrderItem> {
        let currency = self.0.total.currency();
        let item = |line: &Line| OrderItem {
            product: Some(Product {
                id: line.sku.as_str().into(),
            }),
            quantity: line.quantity,
            unit_price: storefront_money::Money::new(line.unit_price_minor, currency).into(),
        };
        self.0.lines.iter().map(item).collect()
    }

    /// Who placed it.
    async fn customer(&self) -> Option<User> {
        Some(User {
            id: self.0.customer_id.as_str().into(),
        })
    }
}

/// So many of one product.
#[derive(Clone, SimpleObject)]
pub(crate) struct OrderItem {
    /// The product; null for one that there is not any more.
    product: Option<Product>,
    /// How many.
    quantity: u32,
    /// The price of one, when it was ordered.
    unit_price: Money,
}

/// A product, known to the catalog.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Product {
    pub(super) id: ID,
}

#[ComplexObject]
impl Product {
    /// The viewer's orders that it is in, the newest first: at most 50 at once.
    async fn orders(
        &self,
        context: &Context<'_>,
        #[graphql(default = 10)] first: i32,
        after: Option<String>,
    ) -> Found<OrderConnection> {
        Some(connection(context, Some(self.id.as_str()), first, after.as_deref()).await)
    }
}

/// A person, known to the users.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct User {
    pub(super) id: ID,
}

#[ComplexObject]
impl User {
    /// The person's orders, the newest first: at most 50 at once. They are answered to the person alone.
    async fn orders(
        &self,
        context: &Context<'_>,
        #[graphql(default = 10)] first: i32,
        after: Option<String>,
    ) -> Found<OrderConnection> {
        Some(match own(context, &self.id) {
            Ok(()) => connection(context, None, first, after.as_deref()).await,
            Err(failure) => Err(failure.into()),
        })
    }
}

/// A page of orders.
#[derive(SimpleObject)]
pub(crate) struct OrderConnection {
    /// The orders.
    nodes: Vec<Order>,
    /// Where it ends.
    page_info: PageInfo,
}

/// Where a page ends.
#[derive(SimpleObject)]
pub(crate) struct PageInfo {
    /// Whether there may be more.
    has_next_page: bool,
    /// What asks for the next page as `after`.
    end_cursor: Option<String>,
}

impl From<Page> for OrderConnection {
    fn from(page: Page) -> Self {
        let next = page.next.map(|place| place.to_string());
        Self {
            nodes: page.orders.into_iter().map(Order).collect(),
            page_info: PageInfo {
                has_next_page: next.is_some(),
                end_cursor: next,
            },
        }
    }
}

/// The viewer's orders, or those of them that a product is in.
pub(super) async fn connection(
    context: &Context<'_>,
    sku: Option<&str>,
    first: i32,
    after: Option<&str>,
) -> Result<OrderConnection> {
    Ok(page(context, sku, first, after).await?.into())
}
