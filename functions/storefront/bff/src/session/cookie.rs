use std::time::Duration;

use axum::http::header::{COOKIE, HeaderMap, HeaderValue};
use cookie::{Cookie, SameSite};
use onecommit_tokens::InvalidCredential;

/// The session's cookie. A browser takes one of this prefix from the very host only, over TLS, for all of its paths: no other
/// host of the domain can set it.
const NAME: &str = "__Host-session";

/// The token in the cookie of a request, if there is one.
///
/// # Errors
/// When the cookie came twice: which of them counts is not for us to choose.
pub(super) fn token_in(headers: &HeaderMap) -> Result<Option<String>, InvalidCredential> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    let cookies = texts.flat_map(Cookie::split_parse).filter_map(Result::ok);
    let mut tokens = cookies.filter(|cookie| cookie.name() == NAME);
    match (tokens.next(), tokens.next()) {
        (_, Some(_)) => Err(InvalidCredential::Several),
        (token, None) => Ok(token
            .map(|cookie| cookie.value().to_owned())
            .filter(|token| !token.is_empty())),
    }
}

/// A header that puts the token into the cookie, for as long as it is valid; nothing for what fits into no cookie.
pub(crate) fn filled(token: &str, valid_for: Duration) -> Option<HeaderValue> {
    let seconds = i64::try_from(valid_for.as_secs()).unwrap_or(0);
    written(token, seconds)
}

/// A header that takes the cookie away.
pub(crate) fn emptied() -> Option<HeaderValue> {
    written("", 0)
}

fn written(token: &str, seconds: i64) -> Option<HeaderValue> {
    let cookie = Cookie::build((NAME, token))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Strict)
        .max_age(cookie::time::Duration::seconds(seconds));
    HeaderValue::from_str(&cookie.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&'static str]) -> HeaderMap {
        let cookies = cookies.iter().map(|text| (COOKIE, HeaderValue::from_static(text)));
        cookies.collect()
    }

    #[test]
    fn the_cookie_is_this_hosts_alone() {
        let header = filled("a.b.c", Duration::from_secs(300)).unwrap();
        let parts: Vec<&str> = header.to_str().unwrap().split("; ").collect();
        assert_eq!(parts[0], "__Host-session=a.b.c");
        for wanted in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/", "Max-Age=300"] {
            assert!(parts.contains(&wanted), "{parts:?}");
        }
        assert!(!header.to_str().unwrap().contains("Domain"));
        assert!(emptied().unwrap().to_str().unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let token = |cookies: &[&'static str]| token_in(&headers(cookies));
        assert_eq!(
            token(&["theme=dark; __Host-session=a.b.c"]),
            Ok(Some("a.b.c".to_owned()))
        );
        for none in [
            &["theme=dark"][..],
            &[],
            &["__Host-session="],
            &["=; ;;__Host-sessionx=1"],
        ] {
            assert_eq!(token(none), Ok(None), "{none:?}");
        }
        for several in [
            &["__Host-session=a; __Host-session=b"][..],
            &["__Host-session=a", "__Host-session=b"],
        ] {
            assert_eq!(token(several), Err(InvalidCredential::Several), "{several:?}");
        }
    }
}
