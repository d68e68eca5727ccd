use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, put};
use onecommit_engine::{Condition, DatabaseError, Item, Key, Transaction, Value};
use onecommit_http::{ApiError, Json, Preconditions, page_limit, with_version};
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::Notifications;
use crate::service::rows::{self, DECIDED_AT, NEWEST, NOTIFICATION, Notification};
use crate::{Channel, Draft, NotificationId, Template};

/// Notifications on a page, if the caller does not say how many.
const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 100;

/// The routes of this API, for its description.
#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(of_customer, mark, template, put_template))]
pub(crate) struct Described;

pub(crate) fn router(notifications: Notifications) -> Router {
    Router::new()
        .route("/notifications", get(of_customer))
        .route("/notifications/{id}/read", put(mark))
        .route("/notifications/templates/{name}", get(template).put(put_template))
        .with_state(notifications)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct ShownTemplate {
    name: String,
    version: u64,
    subject: String,
    text: String,
    parameters: BTreeSet<String>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct ShownPage {
    notifications: Vec<ShownNotification>,
    /// What to ask for as `after` to see more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct ShownNotification {
    notification_id: String,
    order_id: String,
    template: String,
    template_version: u64,
    /// What a list shows of it: the subject. Absent, as the subject and the text are, when nobody was told, and once the
    /// customer was forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    deliveries: Vec<ShownDelivery>,
    read: bool,
    created_at: String,
    /// The same time, under its earlier name.
    decided_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    limit: Option<u32>,
}

/// Whose notification, and whether they have read it. An unknown field is written wrongly, so it is refused.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct Mark {
    #[cfg_attr(feature = "openapi", schema(min_length = 1))]
    customer_id: String,
    read: bool,
}

/// The same template twice is one version.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(put, path = "/notifications/templates/{name}", summary = "Write a template", params(("name" = String, Path, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "orderConfirmed"), ("If-Match" = Option<String>, Header, description = "Only this version."), ("If-None-Match" = Option<String>, Header, description = "`*` only creates.")), request_body(content = Draft, example = json!({"subject": "Your order", "text": "It is confirmed.", "parameters": []})), responses((status = 200, description = "The template from now on.", body = ShownTemplate)))
)]
async fn put_template(
    State(notifications): State<Notifications>,
    Path(name): Path<String>,
    preconditions: Preconditions,
    Json(draft): Json<Draft>,
) -> Result<Response, ApiError> {
    let template = Template::checked(name.as_str(), draft)
        .map_err(|error| ApiError::invalid("invalidTemplate", error.to_string()))?;
    let before = notifications.current(&name).await?;
    let version_before = before.as_ref().map_or(0, |(_, version)| *version);
    preconditions.check(before.as_ref().map(|(_, version)| *version))?;
    let is_known = before.is_some_and(|(before, _)| before == template);
    let version = if is_known { version_before } else { version_before + 1 };
    if !is_known {
        notifications.put(&template, version_before).await?;
    }
    Ok(with_version(version, Json(shown(&template, version))))
}

#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/notifications/templates/{name}", summary = "A template", params(("name" = String, Path, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "orderConfirmed"), ("version" = Option<u64>, Query), ("If-None-Match" = Option<String>, Header, description = "A version that the caller has.")), responses((status = 200, description = "The template.", body = ShownTemplate)))
)]
async fn template(
    State(notifications): State<Notifications>,
    Path(name): Path<String>,
    Query(wanted): Query<WantedVersion>,
    preconditions: Preconditions,
) -> Result<Response, ApiError> {
    Template::check_name(&name).map_err(|error| ApiError::invalid("invalidTemplate", error.to_string()))?;
    let found = match wanted.version {
        None => notifications.current(&name).await?,
        Some(version) => notifications.version(&name, version).await?,
    };
    let unknown = || ApiError::not_found("unknownTemplate", "there is no such template");
    let (template, version) = found.ok_or_else(unknown)?;
    Ok(preconditions.answer(version, Json(shown(&template, version))))
}

/// Newest first. The index names the notifications, and their rows are read from the table, so that a mark that was just
/// set shows.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/notifications", summary = "Notifications of a customer, the newest first", params(("customerId" = String, Query, min_length = 1, example = "cus_1"), ("after" = Option<String>, Query), ("limit" = Option<u32>, Query, minimum = 1, maximum = 100)), responses((status = 200, description = "A page.", body = ShownPage)))
)]
async fn of_customer(
    State(notifications): State<Notifications>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<ShownPage>, ApiError> {
    check_customer(&wanted.customer_id)?;
    let limit = page_limit(wanted.limit, LIMIT, 1..=LIMIT_MAX)?;
    let partition = rows::partition_of(&wanted.customer_id);
    let all = notifications.table.query("pk", &partition);
    let mut query = all.on_index(NEWEST, DECIDED_AT).backward().rows_max(limit);
    if let Some(after) = wanted.after {
        query = query.after(notifications.place_of(&wanted.customer_id, after).await?);
    }
    let page = notifications.tables.query(&query).await?;
    let id = |row| NotificationId::named(id_in(row));
    let keys = page
        .rows
        .iter()
        .map(|row| rows::notification_key(&wanted.customer_id, &id(row)));
    let keys: Vec<Key> = keys.collect();
    let found = notifications.tables.get_many(&notifications.table, &keys).await?;
    // A row that cannot be read is in the log; it does not hide the others.
    let mut shown = Vec::with_capacity(found.len());
    for row in found.iter().flatten() {
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

/// Whether a customer has read it. Nobody else is told, and the same again changes nothing.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(put, path = "/notifications/{id}/read", summary = "Whether the customer has read a notification", params(("id" = String, Path, min_length = 1, example = "ord_1-orderConfirmed")), request_body(content = Mark, example = json!({"customerId": "cus_1", "read": true})), responses((status = 200, description = "The notification from now on.", body = ShownNotification)))
)]
async fn mark(
    State(notifications): State<Notifications>,
    Path(id): Path<String>,
    Json(mark): Json<Mark>,
) -> Result<Json<ShownNotification>, ApiError> {
    check_customer(&mark.customer_id)?;
    let id = NotificationId::named(id);
    let unknown = || ApiError::not_found("unknownNotification", "the customer has no such notification");
    id.stream().map_err(|_| unknown())?;
    let key = rows::notification_key(&mark.customer_id, &id);
    let write = rows::marked(&notifications.table, key.clone(), mark.read).into();
    match notifications.tables.write(&write).await {
        Err(DatabaseError::Cancelled(_)) => return Err(unknown()),
        other => other?,
    }
    let row = notifications.tables.get(&notifications.table, &key).await?;
    let row = row.ok_or_else(unknown)?;
    Ok(Json(notifications.shown(&mark.customer_id, &row).await?))
}

fn check_customer(id: &str) -> Result<(), ApiError> {
    NotificationId::check_customer(id).map_err(|error| ApiError::invalid("invalidCustomerId", error.to_string()))
}

impl Notifications {
    /// Where in the index a notification of a customer is: the key of the index and that of the table.
    async fn place_of(&self, customer_id: &str, id: String) -> Result<Item, ApiError> {
        let invalid = |words: &str| ApiError::invalid("invalidAfter", format!("after: {words}"));
        let id = NotificationId::named(id);
        id.stream().map_err(|error| invalid(&error.to_string()))?;
        let key = rows::notification_key(customer_id, &id);
        let row = self.tables.get(&self.table, &key).await?;
        let decided_at = row.and_then(|row| row.get(DECIDED_AT).cloned());
        let decided_at = decided_at.ok_or_else(|| invalid("the customer has no such notification"))?;
        let key = key.attributes().iter().cloned();
        Ok(key.chain([(DECIDED_AT.to_owned(), decided_at)]).collect())
    }

    async fn current(&self, name: &str) -> Result<Option<(Template, u64)>, ApiError> {
        let row = self.tables.get(&self.table, &rows::template_key(name)).await?;
        read_template(name, row)
    }

    async fn version(&self, name: &str, version: u64) -> Result<Option<(Template, u64)>, ApiError> {
        let key = rows::template_version_key(name, version);
        let row = self.tables.get(&self.table, &key).await?;
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
        match self.tables.transact(&transaction).await {
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
            title: subject.clone(),
            subject,
            text,
            deliveries,
            read: notification.is_read,
            created_at: notification.decided_at.clone(),
            decided_at: notification.decided_at,
        })
    }
}
