use axum::extract::State;
use onecommit_http::{ApiError, Json};

use crate::bff::Bff;
use crate::dashboard::{Dashboard, gather};
use crate::request::Asked;
use crate::session::Caller;

/// `GET /dashboard`: 200 with what could be had, 503 when nothing could.
pub(super) async fn show(State(bff): State<Bff>, caller: Caller, asked: Asked) -> Result<Json<Dashboard>, ApiError> {
    let within = bff.settings().dashboard_within;
    let caller_of = (&asked.context, asked.deadline);
    let dashboard = gather(bff.services(), caller.user_id(), caller_of, within, bff.environment()).await;
    let nothing = || ApiError::unavailable("no part of the dashboard can be had now; send the same request again");
    dashboard.map(Json).ok_or_else(nothing)
}
