use std::cmp::Reverse;

use serde::Serialize;
use storefront_money::Money;

use crate::services::{CustomerOrders, Listed, Moment, Notification, Product, Totals, User};

/// How many orders, and how many notifications, are recent.
pub(super) const RECENT: usize = 5;

/// A person's dashboard. A part that could not be had is nothing.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dashboard {
    pub(crate) user: Option<Person>,
    pub(crate) stats: Option<Stats>,
    /// Of orders and notifications, the newest first; without those of a service that does not answer.
    pub(crate) recent_activity: Option<Vec<Activity>>,
    pub(crate) recommendations: Option<Vec<Recommendation>>,
    /// The services that did not answer.
    pub(crate) degraded: Vec<&'static str>,
}

/// Who it is; of somebody who never said so, nothing is known.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Person {
    pub(crate) name: Option<String>,
    pub(crate) avatar: Option<String>,
    pub(crate) member_since: Option<Moment>,
}

/// Sums over all orders.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    pub(crate) total_orders: u64,
    pub(crate) pending_orders: u64,
    /// One amount for each currency: amounts of two have no sum.
    pub(crate) total_spent: Vec<Money>,
}

/// Something that happened.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Activity {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) date: Moment,
    #[serde(flatten)]
    pub(crate) entry: Entry,
}

/// What kind of thing, and what only this kind has.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub(crate) enum Entry {
    Order { status: String },
    Notification { read: bool },
}

/// A product that may interest the person.
#[derive(Debug, Serialize)]
pub(crate) struct Recommendation {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) price: Option<Money>,
    pub(crate) image: Option<String>,
}

impl From<Option<User>> for Person {
    fn from(user: Option<User>) -> Self {
        let Some(user) = user else { return Self::default() };
        Self {
            name: Some(user.display_name),
            avatar: user.avatar.filter(|url| url.starts_with("https://")),
            member_since: user.created_at,
        }
    }
}

impl From<Totals> for Stats {
    fn from(totals: Totals) -> Self {
        Self {
            total_orders: totals.orders,
            pending_orders: totals.pending,
            total_spent: totals.spent,
        }
    }
}

impl From<Listed> for Activity {
    fn from(order: Listed) -> Self {
        Self {
            title: format!("Order {}", order.order_id),
            id: order.order_id,
            date: order.created_at,
            entry: Entry::Order { status: order.status },
        }
    }
}

impl From<Notification> for Activity {
    fn from(notification: Notification) -> Self {
        Self {
            // Its words are gone when the person was forgotten.
            title: notification.title.unwrap_or_else(|| "Notification".to_owned()),
            id: notification.notification_id,
            date: notification.created_at,
            entry: Entry::Notification {
                read: notification.read,
            },
        }
    }
}

impl From<&Product> for Recommendation {
    fn from(product: &Product) -> Self {
        Self {
            id: product.sku.clone(),
            name: product.name.clone(),
            price: product.price,
            image: product.image().map(str::to_owned),
        }
    }
}

/// What happened last, the newest first; nothing when neither orders nor notifications are there.
pub(super) fn merged(orders: Option<Vec<Listed>>, notifications: Option<Vec<Notification>>) -> Option<Vec<Activity>> {
    if orders.is_none() && notifications.is_none() {
        return None;
    }
    let orders = orders.into_iter().flatten().take(RECENT).map(Activity::from);
    let notifications = notifications.into_iter().flatten().take(RECENT).map(Activity::from);
    let mut all: Vec<Activity> = orders.chain(notifications).collect();
    all.sort_by_key(|activity| Reverse(activity.date));
    Some(all)
}

/// The newest orders, and the sums, of an answer that has both.
pub(super) fn split(answer: Option<CustomerOrders>) -> (Option<Vec<Listed>>, Option<Stats>) {
    answer.map_or((None, None), |answer| (Some(answer.orders), Some(answer.totals.into())))
}
