use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, LOCATION, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::forms::Form;
use super::visitor::problem;
use crate::bff::Bff;
use crate::session::{Caller, UserId, emptied, filled};

/// How to sign in: on the stage `local` by a name, elsewhere at the identity provider.
pub(super) fn invitation(bff: &Bff, root: &'static str) -> Markup {
    html! {
        section aria-labelledby="sign-in" {
            h2 id="sign-in" { "Sign in" }
            @if bff.sessions().local().is_some() {
                p { "On this machine, anybody is who they say they are." }
                form.row method="post" action={ (root) "account/session" } {
                    div {
                        label for="user-id" { "Your user id" }
                        input id="user-id" name="userId" required maxlength="64" pattern="[A-Za-z0-9_\\-]+" autocomplete="username";
                    }
                    button { "Sign in" }
                }
            } @else {
                p { "Sign in at your identity provider." }
            }
        }
    }
}

/// `POST /account/session`: on the stage `local` alone.
pub(super) async fn begin(State(bff): State<Bff>, form: Form<()>) -> Response {
    let Some(local) = bff.sessions().local() else {
        return problem(StatusCode::FORBIDDEN, "Sign in at your identity provider.", "../", None).into_response();
    };
    let Some(user) = UserId::new(form.field("userId")) else {
        let message = "A user id has 1 to 64 letters, digits, - or _.";
        return problem(StatusCode::UNPROCESSABLE_ENTITY, message, "../", None).into_response();
    };
    let signed = local.sign_in(&user).ok();
    let cookie = signed.and_then(|(token, valid_for)| filled(token.expose(), valid_for));
    onward("../account", cookie)
}

/// `POST /account/sign-out`.
pub(super) async fn end(form: Form<Caller>) -> Response {
    drop(form);
    onward("../", emptied())
}

fn onward(to: &'static str, cookie: Option<HeaderValue>) -> Response {
    match cookie {
        Some(cookie) => {
            let headers = [(LOCATION, HeaderValue::from_static(to)), (SET_COOKIE, cookie)];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        None => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "You could not be signed in.",
            "../",
            None,
        )
        .into_response(),
    }
}
