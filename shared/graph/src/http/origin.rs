use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

/// Whether a page of another origin sends the request that may not. A browser names the origin of the page; what is no
/// browser names none, and has no cookies of somebody else either.
pub(super) fn is_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else {
        return headers.get(ORIGIN).is_none();
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    if allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
        return true;
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let place = origin.split_once("://").map(|(_, place)| place);
    place
        .zip(host)
        .is_some_and(|(place, host)| place.eq_ignore_ascii_case(host))
}
