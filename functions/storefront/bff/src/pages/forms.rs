use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::visitor::problem;
use crate::bff::Bff;
use crate::session::{Caller, Refused, same_site};

const FORM: &str = "application/x-www-form-urlencoded";
/// The most fields of a form.
const FIELDS_MAX: usize = 20;

/// A form of one of this site's pages, and who sent it.
pub(super) struct Form<Who> {
    fields: BTreeMap<String, String>,
    pub(super) who: Who,
}

impl<Who> Form<Who> {
    /// The text of a field; empty when it is not there.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// Of somebody who is signed in. It comes from this site, and from a page of this very session.
impl FromRequest<Bff> for Form<Caller> {
    type Rejection = Response;

    async fn from_request(request: Request, bff: &Bff) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let who = Caller::of(&parts, bff.sessions()).await.map_err(not_let_in)?;
        if !same_site(&parts, bff.sessions()) {
            return Err(not_let_in(Refused::Foreign));
        }
        let form = Form {
            fields: fields_of(Request::from_parts(parts, body)).await?,
            who,
        };
        match form.who.is_form_token(form.field("formToken")) {
            true => Ok(form),
            false => Err(not_let_in(Refused::Foreign)),
        }
    }
}

/// Of nobody yet. It comes from this site.
impl FromRequest<Bff> for Form<()> {
    type Rejection = Response;

    async fn from_request(request: Request, bff: &Bff) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        if !same_site(&parts, bff.sessions()) {
            return Err(not_let_in(Refused::Foreign));
        }
        let fields = fields_of(Request::from_parts(parts, body)).await?;
        Ok(Form { fields, who: () })
    }
}

fn not_let_in(refused: Refused) -> Response {
    let (status, message) = match refused {
        _ if refused.is_unauthorized() => (
            StatusCode::UNAUTHORIZED,
            "Your session has ended. Sign in, and do it again.",
        ),
        Refused::Unidentified(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Your session cannot be checked now. Try again.",
        ),
        Refused::Foreign => (
            StatusCode::FORBIDDEN,
            "This form is not of this site, or too old. Load the page again.",
        ),
    };
    problem(status, message, "../", None).into_response()
}

async fn fields_of(request: Request) -> Result<BTreeMap<String, String>, Response> {
    let wrong = |status, message| problem(status, message, "../", None).into_response();
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case(FORM) {
        return Err(wrong(StatusCode::UNSUPPORTED_MEDIA_TYPE, "This is not a form."));
    }
    let body = Bytes::from_request(request, &()).await;
    let body = body.map_err(|refused| wrong(refused.into_response().status(), "The form could not be read."))?;
    let mut fields = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(&body).take(FIELDS_MAX) {
        // Which of two counts is not for us to choose.
        if fields.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(wrong(StatusCode::BAD_REQUEST, "The form has a field twice."));
        }
    }
    Ok(fields)
}
