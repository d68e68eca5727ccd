//! Versions as entity tags, and what requests demand of them.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;
use axum::routing::get;
use onecommit_http::{ApiError, Preconditions, json_errors, page_limit, with_version};
use tower::ServiceExt;

async fn read(State(version): State<Option<u64>>, preconditions: Preconditions) -> Result<Response, ApiError> {
    let version = version.ok_or_else(|| ApiError::not_found("unknownParcel", "there is no such parcel"))?;
    Ok(preconditions.answer(version, "parcel"))
}

async fn change(State(version): State<Option<u64>>, preconditions: Preconditions) -> Result<Response, ApiError> {
    preconditions.check(version)?;
    Ok(with_version(version.unwrap_or_default() + 1, "changed"))
}

/// The status, the `ETag` and the body.
async fn ask(there: Option<u64>, method: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
    let api = json_errors(Router::new().route("/", get(read).put(change)).with_state(there));
    let request = Request::builder().method(method).uri("/");
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    let response = api.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let tag = response
        .headers()
        .get("etag")
        .map(|tag| tag.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, tag.unwrap_or_default(), String::from_utf8(body.into()).unwrap())
}

#[tokio::test]
async fn a_reader_who_has_this_version_is_answered_without_a_body() {
    for (tags, status, body) in [
        ("\"3\"", 304, ""),
        ("W/\"3\"", 304, ""),
        ("\"2\", \"3\"", 304, ""),
        ("*", 304, ""),
        ("\"2\"", 200, "parcel"),
        ("3", 200, "parcel"),
        ("\"3", 200, "parcel"),
    ] {
        let answer = ask(Some(3), "GET", &[("if-none-match", tags)]).await;
        assert_eq!(answer, (status, "\"3\"".to_owned(), body.to_owned()), "{tags}");
    }
    assert_eq!(ask(None, "GET", &[("if-none-match", "*")]).await.0, 404);
}

#[tokio::test]
async fn a_change_of_another_version_is_refused() {
    for (there, header, tags, status) in [
        (Some(3), "if-match", "\"3\"", 200),
        (Some(3), "if-match", "\"2\", \"3\"", 200),
        (Some(3), "if-match", "*", 200),
        (Some(3), "if-match", "\"2\"", 412),
        // A weak tag says less than a change demands, and what cannot be read demands something unknown.
        (Some(3), "if-match", "W/\"3\"", 412),
        (Some(3), "if-match", "3", 412),
        (None, "if-match", "*", 412),
        (None, "if-match", "\"3\"", 412),
        (None, "if-none-match", "*", 200),
        (Some(3), "if-none-match", "*", 412),
    ] {
        let (answered, tag, body) = ask(there, "PUT", &[(header, tags)]).await;
        assert_eq!(answered, status, "{there:?} {header}: {tags}");
        assert_eq!(tag.is_empty(), status == 412);
        assert_eq!(body.contains("versionMismatch"), status == 412);
    }
}

#[test]
fn a_page_outside_of_its_bounds_is_refused() {
    assert_eq!(page_limit(None, 20, 1..=100), Ok(20));
    assert_eq!(page_limit(Some(100), 20, 1..=100), Ok(100));
    for limit in [0, 101, u32::MAX] {
        let error = page_limit(Some(limit), 20, 1..=100).unwrap_err();
        assert_eq!((error.status().as_u16(), error.code()), (400, "invalidLimit"));
    }
}
