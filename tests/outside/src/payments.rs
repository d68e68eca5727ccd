use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::Outside;

/// Intents by their reference. As most providers, it does a thing once for each key.
#[derive(Default)]
pub(crate) struct Payments {
    intents: BTreeMap<String, Value>,
    /// References for which no money is to be taken.
    canceled: BTreeMap<String, ()>,
    captures: BTreeMap<String, u64>,
    refunds: BTreeMap<String, u64>,
    without_key: u64,
}

impl Payments {
    /// How often money was taken and returned for each reference.
    pub(crate) fn report(&self) -> Value {
        json!({"captures": self.captures, "refunds": self.refunds, "withoutKey": self.without_key})
    }
}

pub(crate) fn router() -> Router<Outside> {
    Router::new()
        .route("/intents", get(find).post(create))
        .route("/intents/{id}/refund", post(refund))
        .route("/cancellations", post(cancel))
}

fn has_key(outside: &Outside, headers: &HeaderMap) -> bool {
    let has_key = headers.contains_key("idempotency-key");
    outside.state().payments.without_key += u64::from(!has_key);
    has_key
}

async fn create(State(outside): State<Outside>, headers: HeaderMap, Json(asked): Json<Value>) -> Response {
    if !has_key(&outside, &headers) {
        return (StatusCode::BAD_REQUEST, "{}").into_response();
    }
    let payments = &mut outside.state().payments;
    let reference = asked["reference"].as_str().unwrap_or_default().to_owned();
    let terms = ["amount", "currency", "payer", "instrument"];
    if let Some(known) = payments.intents.get(&reference) {
        let is_same = terms.iter().all(|name| known[*name] == asked[*name]);
        let status = if is_same { StatusCode::OK } else { StatusCode::CONFLICT };
        return (status, Json(known.clone())).into_response();
    }
    let is_declined = asked["instrument"] == "stolen-card";
    let status = match (payments.canceled.contains_key(&reference), is_declined) {
        (true, _) => "canceled",
        (false, true) => "declined",
        (false, false) => "succeeded",
    };
    if status == "succeeded" {
        *payments.captures.entry(reference.clone()).or_default() += 1;
    }
    let mut intent = asked;
    intent["id"] = format!("pi_{}", payments.intents.len() + 1).into();
    intent["clientSecret"] = "secret_of_the_page".into();
    intent["status"] = status.into();
    payments.intents.insert(reference, intent.clone());
    (StatusCode::CREATED, Json(intent)).into_response()
}

async fn find(State(outside): State<Outside>, Query(query): Query<BTreeMap<String, String>>) -> Json<Value> {
    let payments = &outside.state().payments;
    let found = query
        .get("reference")
        .and_then(|reference| payments.intents.get(reference));
    Json(json!({"intents": found.into_iter().collect::<Vec<_>>()}))
}

async fn refund(State(outside): State<Outside>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    if !has_key(&outside, &headers) {
        return (StatusCode::BAD_REQUEST, "{}").into_response();
    }
    let payments = &mut outside.state().payments;
    let Some((reference, intent)) = payments
        .intents
        .iter_mut()
        .find(|(_, intent)| intent["id"] == id.as_str())
    else {
        return (StatusCode::NOT_FOUND, "{}").into_response();
    };
    match intent["status"].as_str() {
        Some("succeeded") => {
            intent["status"] = "refunded".into();
            *payments.refunds.entry(reference.clone()).or_default() += 1;
        }
        Some("refunded") => {}
        _ => return (StatusCode::CONFLICT, "{}").into_response(),
    }
    Json(intent.clone()).into_response()
}

async fn cancel(State(outside): State<Outside>, headers: HeaderMap, Json(asked): Json<Value>) -> Response {
    if !has_key(&outside, &headers) {
        return (StatusCode::BAD_REQUEST, "{}").into_response();
    }
    let payments = &mut outside.state().payments;
    let reference = asked["reference"].as_str().unwrap_or_default().to_owned();
    let intent = payments.intents.get(&reference).cloned();
    let taken = intent
        .as_ref()
        .is_some_and(|intent| ["succeeded", "refunded"].contains(&intent["status"].as_str().unwrap_or_default()));
    if !taken {
        payments.canceled.insert(reference, ());
    }
    let status = if taken { "succeeded" } else { "canceled" };
    Json(json!({"status": status, "intent": intent})).into_response()
}
