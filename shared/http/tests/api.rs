//! What callers of an API see when something is wrong.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Path;
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use onecommit_engine::{DatabaseError, TransientKind};
use onecommit_http::{ApiError, Json, json_errors};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

fn api() -> Router {
    Router::new()
        .route("/parcels", post(weigh))
        .route("/parcels/{id}", get(refuse))
}

#[derive(Deserialize)]
struct Parcel {
    weight_g: u32,
}

async fn weigh(Json(parcel): Json<Parcel>) -> Result<String, ApiError> {
    match parcel.weight_g {
        0 => Err(ApiError::conflict("noWeight", "a parcel weighs something")),
        grams => Ok(grams.to_string()),
    }
}

async fn refuse(Path(_): Path<String>) -> ApiError {
    ApiError::not_found("unknownParcel", "there is no such parcel").with("problems", json!(["gone"]))
}

async fn ask(method: &str, path: &str, body: &str) -> (StatusCode, Value) {
    let api = json_errors(api());
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    let response = api
        .oneshot(request.body(Body::from(body.to_owned())).unwrap())
        .await
        .unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn every_error_of_the_router_is_json_with_a_code_and_words() {
    for (method, path, body, status, code) in [
        ("GET", "/nowhere", "", 404, "notFound"),
        ("DELETE", "/parcels", "", 405, "methodNotAllowed"),
        ("POST", "/parcels", "{", 400, "badRequest"),
        ("POST", "/parcels", r#"{"weight_g": -1}"#, 422, "invalidBody"),
        ("POST", "/parcels", r#"{"weight_g": 0}"#, 409, "noWeight"),
        ("POST", "/parcels", "[250]", 422, "invalidBody"),
        (
            "POST",
            "/parcels",
            r#"{"weight_g": 1, "weight_g": 1}"#,
            422,
            "invalidBody",
        ),
        (
            "POST",
            "/parcels",
            r#"{"weight_g": 1, "note": "\ud800"}"#,
            422,
            "invalidBody",
        ),
    ] {
        let (answered, error) = ask(method, path, body).await;
        assert_eq!(answered.as_u16(), status, "{method} {path}: {error}");
        assert_eq!(error["error"], code, "{method} {path}");
        assert!(
            error["message"].as_str().is_some_and(|words| !words.is_empty()),
            "{error}"
        );
    }
}

#[tokio::test]
async fn every_error_is_a_problem_without_a_word_of_the_caller() {
    for (method, path, title, instance) in [
        ("GET", "/parcels/secret", "Not Found", json!("/parcels")),
        ("POST", "/parcels", "Bad Request", json!("/parcels")),
        ("DELETE", "/parcels", "Method Not Allowed", json!("/parcels")),
        ("GET", "/secret", "Not Found", Value::Null),
    ] {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/json").body(Body::from("{"));
        let response = json_errors(api()).oneshot(request.unwrap()).await.unwrap();
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json",
            "{method} {path}"
        );
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["type"], "about:blank");
        assert_eq!((&problem["title"], &problem["status"]), (&json!(title), &json!(status)));
        assert_eq!(
            (&problem["detail"], &problem["instance"]),
            (&problem["message"], &instance)
        );
        assert!(!problem.to_string().contains("secret"), "{problem}");
    }
}

#[tokio::test]
async fn an_error_keeps_its_own_members_and_headers() {
    let (_, problem) = ask("GET", "/parcels/p-1", "").await;
    assert_eq!(
        (&problem["error"], &problem["problems"]),
        (&json!("unknownParcel"), &json!(["gone"]))
    );
    let request = Request::delete("/parcels").body(Body::empty()).unwrap();
    let response = json_errors(api()).oneshot(request).await.unwrap();
    assert_eq!(response.headers()["allow"], "POST");
}

#[tokio::test]
async fn the_answer_to_head_has_no_body() {
    let request = Request::head("/parcels/p-1").body(Body::empty()).unwrap();
    let response = json_errors(api()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert!(to_bytes(response.into_body(), 0).await.is_ok());
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_refused_with_its_field() {
    for (body, message) in [
        ("{}", "weight_g: it is missing"),
        (r#"{"weight_g": null}"#, "weight_g: it is missing"),
        (
            r#"{"weight_g": "secret"}"#,
            "weight_g: expected a whole number from 0 to 4294967295, found a text",
        ),
        (
            r#"{"weight_g": 2.5}"#,
            "weight_g: expected a whole number from 0 to 4294967295",
        ),
        (r#"{"weight_g": 1, "weight_g": 2}"#, "weight_g: it is written twice"),
        (
            r#"{"weight_g": 1e999}"#,
            "weight_g: the number is beyond the range of doubles; write it as a string",
        ),
    ] {
        let (status, error) = ask("POST", "/parcels", body).await;
        assert_eq!(
            (status.as_u16(), &error["message"]),
            (422, &Value::from(message)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_whole_number_may_be_written_in_any_way() {
    for body in [r#"{"weight_g": 250.0}"#, r#"{"weight_g": 2.5e2}"#] {
        assert_eq!(ask("POST", "/parcels", body).await, (StatusCode::OK, Value::from(250)));
    }
}

#[tokio::test]
async fn an_answer_that_is_no_error_stays_as_it_is() {
    assert_eq!(
        ask("POST", "/parcels", r#"{"weight_g": 250}"#).await,
        (StatusCode::OK, Value::from(250))
    );
}

#[test]
fn a_database_without_an_answer_is_503_and_a_fault_tells_nothing_of_itself() {
    let lost = DatabaseError::Transient(TransientKind::Unavailable, "no answer".into());
    assert_eq!(ApiError::from(lost).status(), StatusCode::SERVICE_UNAVAILABLE);
    let fault = ApiError::from(DatabaseError::Rejected("no such table: secret-name".into()));
    assert_eq!(fault.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!fault.message().contains("secret-name"));
}

#[tokio::test]
async fn an_error_that_is_a_page_stays_one() {
    let page = (
        StatusCode::NOT_FOUND,
        [("content-type", "text/html; charset=utf-8")],
        "<h1>Gone</h1>",
    );
    let api = json_errors(Router::new().route("/page", get(async move || page)));
    let request = Request::get("/page").body(Body::empty()).unwrap();
    let response = api.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(to_bytes(response.into_body(), 100).await.unwrap(), "<h1>Gone</h1>");
}

#[tokio::test]
async fn an_error_in_a_json_form_of_its_own_stays_one() {
    let kind = "application/graphql-response+json; charset=utf-8";
    let error = (StatusCode::BAD_REQUEST, [("content-type", kind)], r#"{"errors":[]}"#);
    let api = json_errors(Router::new().route("/graph", get(async move || error)));
    let request = Request::get("/graph").body(Body::empty()).unwrap();
    let response = api.oneshot(request).await.unwrap();
    assert_eq!(
        (response.status(), &response.headers()["content-type"]),
        (StatusCode::BAD_REQUEST, &kind.parse().unwrap())
    );
    assert_eq!(to_bytes(response.into_body(), 100).await.unwrap(), r#"{"errors":[]}"#);
}
