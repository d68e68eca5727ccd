use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use storefront_money::Money;

use crate::session::Caller;

/// Scripts and styles of this site alone, none within a page; nobody puts a page into a frame. Images come from where the
/// catalog and people say.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https:; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// A page, and what surrounds its content.
pub(super) struct Page<'a> {
    pub(super) status: StatusCode,
    pub(super) title: &'a str,
    /// What leads from the page's address to that of the first page.
    pub(super) root: &'static str,
    pub(super) caller: Option<&'a Caller>,
    /// Without a script, the page loads itself again after so many seconds.
    pub(super) refresh_s: Option<u8>,
    pub(super) content: Markup,
}

impl IntoResponse for Page<'_> {
    fn into_response(self) -> Response {
        let root = self.root;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) " · Storefront" }
                    link rel="stylesheet" href={ (root) "assets/shop.css" };
                    link rel="icon" href={ (root) "assets/shop.svg" };
                    script src={ (root) "assets/shop.js" } defer {}
                    @if let Some(seconds) = self.refresh_s {
                        noscript { meta http-equiv="refresh" content=(seconds); }
                    }
                }
                body {
                    a.skip href="#content" { "Skip to the content" }
                    header {
                        span.name { "Storefront" }
                        nav aria-label="Pages" {
                            a href=(root) { "Products" }
                            a href={ (root) "account" } { "Your dashboard" }
                        }
                        @if let Some(caller) = self.caller {
                            form.row method="post" action={ (root) "account/sign-out" } {
                                input type="hidden" name="formToken" value=(caller.form_token());
                                span { "Signed in as " strong { (caller.user_id()) } }
                                button { "Sign out" }
                            }
                        }
                    }
                    main id="content" {
                        h1 { (self.title) }
                        (self.content)
                    }
                    footer { "The reference storefront of onecommit." }
                }
            }
        };
        let headers: HeaderMap = [
            (CONTENT_SECURITY_POLICY, POLICY),
            (REFERRER_POLICY, "same-origin"),
            (OPENER_POLICY, "same-origin"),
        ]
        .map(|(name, value)| (name, HeaderValue::from_static(value)))
        .into_iter()
        .collect();
        (self.status, headers, page).into_response()
    }
}

/// An amount as people read it.
pub(super) fn amount(money: Money) -> String {
    match money.to_decimal() {
        Ok(decimal) => format!("{decimal} {}", money.currency()),
        // In the smallest unit: nobody knows its digits.
        Err(_) => money.to_string(),
    }
}
