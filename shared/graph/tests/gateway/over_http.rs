//! GraphQL over HTTP.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use onecommit_client::CallContext;
use onecommit_graph::{Caller, GraphSettings, routes};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::museum::Museum;

const JSON: (&str, &str) = ("content-type", "application/json");
const RESPONSE: (&str, &str) = ("accept", "application/graphql-response+json");

async fn send(
    museum: &Museum,
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Response<Body> {
    let callers = |parts: &Parts| Caller {
        context: CallContext::correlated("c-1").traced("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        headers: parts
            .headers
            .iter()
            .filter(|(name, _)| *name == "authorization")
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<HeaderMap>(),
        deadline: None,
    };
    let mut request = Request::builder().method(method).uri(uri).header("host", "museum.test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let router = routes(Arc::clone(&museum.gateway), Arc::new(callers));
    router.oneshot(request.body(body.into()).unwrap()).await.unwrap()
}

async fn read(response: Response<Body>) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn queries_are_answered_by_get_and_post() {
    let museum = Museum::new();
    for path in ["/graphql", "/api/graphql"] {
        let body = json!({"query": "query ($id: ID!) { painting(id: $id) { title } }", "variables": {"id": "w1"}});
        let posted = send(&museum, "POST", path, &[JSON], body.to_string()).await;
        assert_eq!(
            read(posted).await,
            (200, json!({"data": {"painting": {"title": "The Night"}}}))
        );
        let uri = format!(
            "{path}?query=query(%24id%3AID!)%7Bpainting(id%3A%24id)%7Btitle%7D%7D&variables=%7B%22id%22%3A%22w2%22%7D"
        );
        let got = send(&museum, "GET", &uri, &[], "").await;
        assert_eq!(
            read(got).await,
            (200, json!({"data": {"painting": {"title": "The Morning"}}}))
        );
    }
}

#[tokio::test]
async fn the_media_type_decides_about_the_status() {
    let museum = Museum::new();
    let bad = json!({"query": "{ nothing }"}).to_string();
    for (accept, status, kind) in [
        (
            "application/graphql-response+json",
            400,
            "application/graphql-response+json; charset=utf-8",
        ),
        ("application/json", 200, "application/json; charset=utf-8"),
        ("*/*", 200, "application/json; charset=utf-8"),
        (
            "text/html, application/graphql-response+json;q=0.9, application/json;q=0.1",
            400,
            "application/graphql-response+json; charset=utf-8",
        ),
    ] {
        let answer = send(&museum, "POST", "/graphql", &[JSON, ("accept", accept)], bad.clone()).await;
        assert_eq!(answer.status().as_u16(), status, "{accept}");
        assert_eq!(answer.headers()["content-type"], kind);
        assert_eq!(answer.headers()["cache-control"], "no-store");
    }
    let answer = send(&museum, "POST", "/graphql", &[JSON, ("accept", "text/html")], bad).await;
    assert_eq!(answer.status(), StatusCode::NOT_ACCEPTABLE);
    // What failed in part was answered.
    let part = json!({"query": "{ people { name } }"}).to_string();
    let answer = send(&museum, "POST", "/graphql", &[JSON, RESPONSE], part).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

/// Method, address, headers and body, and the status and the code that answer them.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, u16, &'a str);

#[tokio::test]
async fn what_is_not_a_request_is_refused_by_name() {
    let museum = Museum::new();
    let good = r#"{"query": "{ motto }"}"#;
    let large = format!("{{\"query\": \"{}\"}}", "x".repeat(100_001));
    let mutation = "/graphql?query=mutation%7BaddPerson(person%3A%7Bname%3A%22a%22%7D)%7D";
    let cases: [Case<'_>; 17] = [
        ("GET", mutation, &[RESPONSE], "", 405, "METHOD_NOT_ALLOWED"),
        ("GET", mutation, &[], "", 405, "METHOD_NOT_ALLOWED"),
        ("PUT", "/graphql", &[JSON], good, 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/graphql", &[], "", 400, "BAD_REQUEST"),
        (
            "GET",
            "/graphql?query=%7Bmotto%7D&variables=7",
            &[],
            "",
            400,
            "BAD_REQUEST",
        ),
        ("POST", "/graphql", &[], good, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (
            "POST",
            "/graphql",
            &[("content-type", "application/x-www-form-urlencoded")],
            "query=%7Bmotto%7D",
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (
            "POST",
            "/graphql",
            &[("content-type", "text/plain")],
            good,
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (
            "POST",
            "/graphql",
            &[("content-type", "multipart/form-data; boundary=x")],
            "--x--",
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (
            "POST",
            "/graphql",
            &[JSON],
            "[{\"query\": \"{ motto }\"}]",
            400,
            "BATCHING_NOT_SUPPORTED",
        ),
        ("POST", "/graphql", &[JSON], "{", 400, "BAD_REQUEST"),
        ("POST", "/graphql", &[JSON], "{}", 400, "BAD_REQUEST"),
        ("POST", "/graphql", &[JSON], r#"{"query": 7}"#, 400, "BAD_REQUEST"),
        (
            "POST",
            "/graphql",
            &[JSON],
            r#"{"query": "{ motto }", "variables": [1]}"#,
            400,
            "BAD_REQUEST",
        ),
        (
            "POST",
            "/graphql",
            &[JSON],
            r#"{"query": "\ud800"}"#,
            400,
            "BAD_REQUEST",
        ),
        ("POST", "/graphql", &[JSON], &large, 413, "REQUEST_TOO_LARGE"),
        (
            "POST",
            "/graphql",
            &[JSON, ("origin", "https://evil.test")],
            good,
            403,
            "ORIGIN_NOT_ALLOWED",
        ),
    ];
    for (method, uri, headers, body, status, code) in cases {
        let answer = send(&museum, method, uri, headers, body.to_owned()).await;
        let allow = answer.headers().get("allow").cloned();
        let (found, answer) = read(answer).await;
        let shown: String = body.chars().take(60).collect();
        assert_eq!(
            (found, answer["errors"][0]["extensions"]["code"].as_str()),
            (status, Some(code)),
            "{method} {uri} {shown}: {answer}"
        );
        assert_eq!(allow.is_some(), status == 405);
        assert!(answer.get("data").is_none());
    }
    let not_utf8 = send(&museum, "POST", "/graphql", &[JSON], vec![0xff, 0xfe]).await;
    assert_eq!(not_utf8.status(), StatusCode::BAD_REQUEST);
    assert!(museum.asked().is_empty());
}

#[tokio::test]
async fn pages_of_known_origins_may_ask() {
    let museum = Museum::with(GraphSettings::default().origins(vec!["https://app.test".to_owned()]));
    let good = r#"{"query": "{ motto }"}"#;
    for (origin, status) in [
        ("https://app.test", 200),
        ("https://museum.test", 200),
        ("https://app.test.evil.test", 403),
        ("null", 403),
    ] {
        let answer = send(&museum, "POST", "/graphql", &[JSON, ("origin", origin)], good).await;
        assert_eq!(answer.status().as_u16(), status, "{origin}");
    }
}

#[tokio::test]
async fn subgraphs_get_trace_correlation_and_token() {
    let museum = Museum::new();
    let body = json!({"query": "{ paintings { artist { name } } }"}).to_string();
    let headers = [JSON, ("authorization", "Bearer t"), ("cookie", "secret=1")];
    send(&museum, "POST", "/graphql", &headers, body).await;
    let asked = museum.asked();
    assert_eq!(asked.len(), 2);
    for asked in asked {
        assert_eq!(asked.headers["authorization"], "Bearer t");
        assert_eq!(asked.headers["x-correlation-id"], "c-1");
        assert!(asked.headers["traceparent"].starts_with("00-0af7"));
        assert!(asked.headers.contains_key("x-request-deadline"));
        assert!(!asked.headers.contains_key("cookie"));
    }
}
