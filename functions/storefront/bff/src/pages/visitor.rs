use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use maud::html;

use super::layout::Page;
use crate::bff::Bff;
use crate::session::Caller;

/// Whoever looks at a page: somebody who is signed in, or nobody.
pub(super) struct Visitor {
    pub(super) caller: Option<Caller>,
}

impl FromRequestParts<Bff> for Visitor {
    type Rejection = Infallible;

    /// What is not a valid session is none: the page says how to get one.
    async fn from_request_parts(parts: &mut Parts, bff: &Bff) -> Result<Self, Infallible> {
        let caller = Caller::of(parts, bff.sessions()).await.ok();
        Ok(Self { caller })
    }
}

/// A page that says what went wrong.
pub(super) fn problem<'a>(
    status: StatusCode,
    message: &str,
    root: &'static str,
    caller: Option<&'a Caller>,
) -> Page<'a> {
    Page {
        status,
        title: "That did not work",
        root,
        caller,
        refresh_s: None,
        content: html! {
            p.notice role="alert" { (message) }
            p { a href=(root) { "Back to the products" } }
        },
    }
}
