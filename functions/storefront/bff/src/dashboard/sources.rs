use std::time::Duration;

use onecommit_client::{CallContext, CallError, Deadline};
use onecommit_environment::Environment;
use tokio::join;
use tracing::warn;

use super::parts::{Dashboard, RECENT, Recommendation, merged, split};
use crate::services::Services;

/// How many recommendations there are.
const RECOMMENDED: usize = 5;

/// Asks all services at once for what belongs to `user`, each within `limit` and the caller's own time. Nothing, when no
/// service answers.
pub(crate) async fn gather(
    services: &Services,
    user: &str,
    caller: (&CallContext, Deadline),
    limit: Duration,
    environment: &Environment,
) -> Option<Dashboard> {
    let (context, deadline) = caller;
    let context = &context.clone().until(deadline.within(limit, environment.clock()));
    let (person, orders, notifications, recommendations) = join!(
        services.users.user(user, context),
        services.orders.of_customer(user, RECENT, context),
        services.notifications.newest(user, RECENT, context),
        recommended(services, user, context),
    );
    let mut missing = Missing::default();
    let person = missing.unless("users", person);
    let orders = missing.unless("orders", orders);
    let notifications = missing.unless("notifications", notifications);
    let recommendations = match recommendations {
        Ok(recommendations) => Some(recommendations),
        Err((service, error)) => missing.unless(service, Err(error)),
    };
    if person.is_none() && orders.is_none() && notifications.is_none() && recommendations.is_none() {
        return None;
    }
    let (newest, stats) = split(orders);
    Some(Dashboard {
        user: person.map(Into::into),
        stats,
        recent_activity: merged(newest, notifications),
        recommendations,
        degraded: missing.0,
    })
}

/// Two calls, one after the other, within the same time: what is recommended, and what the catalog says of it.
async fn recommended(
    services: &Services,
    user: &str,
    context: &CallContext,
) -> Result<Vec<Recommendation>, (&'static str, CallError)> {
    let skus = services.recommendations.of(user, RECOMMENDED, context).await;
    let skus = skus.map_err(|error| ("recommendations", error))?;
    if skus.is_empty() {
        return Ok(Vec::new());
    }
    let products = services.catalog.products(&skus, context).await;
    let products = products.map_err(|error| ("catalog", error))?;
    let known = skus.iter().filter_map(|sku| products.get(sku));
    Ok(known.map(Recommendation::from).take(RECOMMENDED).collect())
}

/// The services that did not answer.
#[derive(Default)]
struct Missing(Vec<&'static str>);

impl Missing {
    fn unless<T>(&mut self, service: &'static str, answer: Result<T, CallError>) -> Option<T> {
        answer
            .inspect_err(|error| {
                warn!(service, error = %error, "a part of the dashboard is missing");
                self.0.push(service);
            })
            .ok()
    }
}
