use std::time::Duration;

use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, ORIGIN, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use onecommit_http::{ApiError, Json};
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::bff::Bff;
use crate::session::{Caller, UserId, emptied, filled, same_site};

/// Who signs in, on the stage `local`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SignIn {
    user_id: String,
}

/// Whose session it is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    user_id: String,
    /// How long it is still valid.
    expires_in_s: u64,
}

/// `GET /session`.
pub(super) async fn show(State(bff): State<Bff>, caller: Caller) -> Json<Shown> {
    Json(Shown {
        expires_in_s: caller.remaining(bff.sessions()).as_secs(),
        user_id: caller.user_id().to_owned(),
    })
}

/// `POST /session`: puts a token that came in `Authorization` into the cookie, so that pages can be looked at with it. On the
/// stage `local`, `{"userId"}` signs anybody in instead.
pub(super) async fn begin(State(bff): State<Bff>, request: Request) -> Result<Response, Response> {
    let (mut parts, body) = request.into_parts();
    // A browser always says from which site such a request comes; programs need not.
    if parts.headers.contains_key(ORIGIN) && !same_site(&parts, bff.sessions()) {
        let message = "a session of this site begins on its own pages";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "foreignOrigin", message).into_response());
    }
    if parts.headers.contains_key(AUTHORIZATION) {
        let caller = Caller::of(&parts, bff.sessions())
            .await
            .map_err(IntoResponse::into_response)?;
        let (user_id, remaining) = (caller.user_id().to_owned(), caller.remaining(bff.sessions()));
        return begun(user_id, caller.token(), remaining).map_err(IntoResponse::into_response);
    }
    let Some(local) = bff.sessions().local() else {
        let message = "send the access token of the identity provider: Authorization: Bearer";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "noLocalSessions", message).into_response());
    };
    parts.extensions.clear();
    let Json(SignIn { user_id }) = Json::from_request(Request::from_parts(parts, body), &()).await?;
    let user = UserId::new(&user_id).ok_or_else(|| {
        let message = "userId: it has to be 1 to 64 letters, digits, - or _";
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalidUserId", message).into_response()
    })?;
    let signed = local.sign_in(&user).map_err(|problem| {
        error!(error = %problem, "a local session could not be signed");
        ApiError::internal().into_response()
    })?;
    let (token, valid_for) = signed;
    begun(user_id, token.expose(), valid_for).map_err(IntoResponse::into_response)
}

/// `DELETE /session`: takes the cookie away. The token itself is valid until it ends.
pub(super) async fn end(_caller: Caller) -> Result<Response, ApiError> {
    let cookie = emptied().ok_or_else(ApiError::internal)?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
}

fn begun(user_id: String, token: &str, valid_for: Duration) -> Result<Response, ApiError> {
    let cookie = filled(token, valid_for).ok_or_else(ApiError::internal)?;
    let shown = Shown {
        user_id,
        expires_in_s: valid_for.as_secs(),
    };
    Ok((StatusCode::CREATED, [(SET_COOKIE, cookie)], Json(shown)).into_response())
}
