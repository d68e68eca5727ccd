use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use onecommit_engine::{Condition, DatabaseError, Item, Transaction, Value};
use onecommit_http::{ApiError, Json};
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::Notifications;
use crate::service::rows::{self, NOTIFICATION, Notification};
use crate::{Channel, Draft, NotificationId, Template};

/// Notifications on a page.
const PAGE_ROWS: u32 = 50;

pub(crate) fn router(notifications: Notifications) -> Router {
    Router::new()
        .route("/notifications", get(of_customer))
        .route("/notifications/templates/{name}", get(template).put(put_template))
        .with_state(notifications)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownTemplate {
    name: String,
    version: u64,
    subject: String,
    text: String,
    parameters: BTreeSet<String>,
}

#[derive(Serialize)]
struct ShownPage {
    notifications: Vec<ShownNotification>,
    /// What to ask for as `after` to see more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownNotification {
    notification_id: String,
    order_id: String,
    template: String,
    template_version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    deliveries: Vec<ShownDelivery>,
    decided_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownDelivery {
    channel: Channel,
    /// Not shown once the customer was forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<String>,
    /// `due` until the carrier took it, then `handedOver`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
}

#[derive(Deserialize)]
struct WantedVersion {
    version: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    customer_id: String,
    after: Option<String>,
}

/// The same template twice is one version.
async fn put_template(
    State(notifications): State<Notifications>,
    Path(name): Path<String>,
    Json(draft): Json<Draft>,
) -> Result<Json<ShownTemplate>, ApiError> {
    let template = Template::checked(name.as_str(), draft)
        .map_err(|error| ApiError::invalid("invalidTemplate", error.to_string()))?;
    let before = notifications.current(&name).await?;
    let version_before = before.as_ref().map_or(0, |(_, version)| *version);
    if before.is_some_and(|(before, _)| before == template) {
        return Ok(Json(shown(&template, version_before)));
    }
    notifications.put(&template, version_before).await?;
    Ok(Json(shown(&template, version_before + 1)))
}

async fn template(
    State(notifications): State<Notifications>,
    Path(name): Path<String>,
    Query(wanted): Query<WantedVersion>,
) -> Result<Json<ShownTemplate>, ApiError> {
    Template::check_name(&name).map_err(|error| ApiError::invalid("invalidTemplate", error.to_string()))?;
    let found = match wanted.version {
        None => notifications.current(&name).await?,
        Some(version) => notifications.version(&name, version).await?,
    };
    let unknown = || ApiError::not_found("unknownTemplate", "there is no such template");
    let (template, version) = found.ok_or_else(unknown)?;
    Ok(Json(shown(&template, version)))
}

async fn of_customer(
    State(notifications): State<Notifications>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<ShownPage>, ApiError> {
    NotificationId::check_customer(&wanted.customer_id)
        .map_err(|error| ApiError::invalid("invalidCustomerId", error.to_string()))?;
    let partition = rows::partition_of(&wanted.customer_id);
    let all = notifications.table.query("pk", &partition);
    // `$` comes right after `#`: all that starts with the prefix, and nothing else.
    let mut query = all.between("sk", NOTIFICATION, "notification$").rows_max(PAGE_ROWS);
    if let Some(after) = wanted.after {
        let after = NotificationId::named(after);
        after
            .stream()
            .map_err(|error| ApiError::invalid("invalidAfter", format!("after: {error}")))?;
        let key = rows::notification_key(&wanted.customer_id, &after);
        query = query.after(key.attributes().iter().cloned().collect());
    }
    let page = notifications.rows.query(&query).await?;
    // A row that cannot be read is in the log; it does not hide the others.
    let mut shown = Vec::with_capacity(page.rows.len());
    for row in &page.rows {
        if let Ok(notification) = notifications.shown(&wanted.customer_id, row).await {
            shown.push(notification);
        }
    }
    let last = page.rows.last().map(|row| id_in(row).to_owned());
    Ok(Json(ShownPage {
        notifications: shown,
        next: page.next.and(last),
    }))
}

impl Notifications {
    async fn current(&self, name: &str) -> Result<Option<(Template, u64)>, ApiError> {
        let row = self.rows.get(&self.table, &rows::template_key(name)).await?;
        read_template(name, row)
    }

    async fn version(&self, name: &str, version: u64) -> Result<Option<(Template, u64)>, ApiError> {
        let key = rows::template_version_key(name, version);
        let row = self.rows.get(&self.table, &key).await?;
        read_template(name, row)
    }

    /// The next version, and the current one, at once.
    async fn put(&self, template: &Template, version_before: u64) -> Result<(), ApiError> {
        let version = version_before + 1;
        let row = rows::template_row(template, version);
        let unchanged = match version_before {
            0 => Condition::absent("pk"),
            before => Condition::equals("version", before),
        };
        let current = self.table.put(rows::template_key(template.name()), row.clone());
        let kept = self
            .table
            .put(rows::template_version_key(template.name(), version), row);
        let transaction = Transaction {
            token: self.environment.ids().next(),
            writes: vec![current.only_if(unchanged).into(), kept.only_if_absent().into()],
        };
        match self.database.transact(&transaction).await {
            Err(DatabaseError::Cancelled(_)) => Err(ApiError::conflict(
                "templateChanged",
                "the template was changed at the same time; look at it, then send yours again",
            )),
            other => Ok(other?),
        }
    }
}

fn read_template(name: &str, row: Option<Item>) -> Result<Option<(Template, u64)>, ApiError> {
    row.map(|row| rows::template_in(name, &row))
        .transpose()
        .map_err(unreadable)
}

fn unreadable(error: rows::UnreadableRow) -> ApiError {
    error!(error = %error, "row of a notification cannot be read");
    ApiError::internal()
}

fn shown(template: &Template, version: u64) -> ShownTemplate {
    let draft = template.draft();
    ShownTemplate {
        name: template.name().to_owned(),
        version,
        subject: draft.subject.clone(),
        text: draft.text.clone(),
        parameters: draft.parameters.clone(),
    }
}

fn id_in(row: &Item) -> &str {
    let sort_key = row.get("sk").and_then(Value::as_str).unwrap_or_default();
    sort_key.strip_prefix(NOTIFICATION).unwrap_or(sort_key)
}

impl Notifications {
    async fn shown(&self, customer_id: &str, row: &Item) -> Result<ShownNotification, ApiError> {
        let notification = Notification::read(row).map_err(unreadable)?;
        let id = NotificationId::named(id_in(row));
        let words = self.words(customer_id, &id, &notification).await.map_err(|error| {
            error!(notification.id = %id, error = %error, "notification cannot be opened");
            ApiError::internal()
        })?;
        let (message, mut recipients) = match words {
            Some(words) => (Some(words.message), words.recipients),
            None => (None, BTreeMap::new()),
        };
        let delivery = |(channel, delivery): (Channel, rows::Delivery)| ShownDelivery {
            channel,
            recipient: recipients.remove(&channel),
            status: if delivery.receipt.is_some() {
                "handedOver"
            } else {
                "due"
            },
            receipt: delivery.receipt,
        };
        let deliveries = notification.deliveries.into_iter().map(delivery).collect();
        let (subject, text) = message.map(|message| (message.subject, message.text)).unzip();
        Ok(ShownNotification {
            notification_id: id.to_string(),
            order_id: notification.order_id,
            template: notification.template,
            template_version: notification.template_version,
            subject,
            text,
            deliveries,
            decided_at: notification.decided_at,
        })
    }
}
