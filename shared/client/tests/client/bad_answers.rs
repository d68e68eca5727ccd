use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use onecommit_client::{ClientSettings, Limits, Trouble};
use serde_json::Value;

use crate::kit::{Service, json, settings, uncached, with};

#[derive(Debug, serde::Deserialize)]
#[allow(dead_code, reason = "only whether it can be read counts")]
struct Product {
    unit_price: UnitPrice,
}

#[derive(Debug, serde::Deserialize)]
#[allow(dead_code, reason = "only whether it can be read counts")]
struct UnitPrice {
    amount: String,
}

async fn trouble_of(service: Service) -> Trouble {
    let error = uncached(&service).get::<Product>("/products/1").await.unwrap_err();
    assert_eq!(error.service(), "prices");
    error.trouble().clone()
}

#[tokio::test(start_paused = true)]
async fn drift_names_the_field_and_what_was_expected_and_never_a_value() {
    for (body, words) in [
        (r#"{"unit_price": {}}"#, "unit_price.amount: it is missing"),
        (
            r#"{"unit_price": {"amount": 12.50}}"#,
            "unit_price.amount: expected a text, found a number",
        ),
        (
            r#"{"unit_price": "4711-secret"}"#,
            "unit_price: expected an object, found a text",
        ),
        (r#"[]"#, "expected an object"),
        ("", "expected an object"),
    ] {
        let service = Service::new().json(body);
        let error = uncached(&service).get::<Product>("/products/1").await.unwrap_err();
        assert!(matches!(error.trouble(), Trouble::Drift(_)), "{body}: {error}");
        let shown = format!("{error} {error:?}");
        assert!(error.to_string().contains(words), "{body}: {error}");
        assert!(!shown.contains("12.5") && !shown.contains("4711"), "{shown}");
        assert_eq!(error.attempts(), 1, "the same request would get the same answer");
    }
}

#[tokio::test(start_paused = true)]
async fn text_that_is_not_json_is_drift() {
    for body in ["{", "{\"unit_price\":", "nul"] {
        assert!(
            matches!(trouble_of(Service::new().json(body)).await, Trouble::Drift(_)),
            "{body}"
        );
    }
    let service = Service::new().answers(|| Response::new(Body::from(&b"\xff\xfe"[..])));
    assert!(matches!(trouble_of(service).await, Trouble::Drift(_)));
}

#[tokio::test(start_paused = true)]
async fn a_page_with_200_is_refused() {
    for content_type in [
        "text/html",
        "text/html; charset=utf-8",
        "application/jsonp",
        "text/plain",
        "",
    ] {
        let service = Service::new().answers(move || {
            let page = Response::builder().header("content-type", content_type);
            page.body(Body::from("<html>secret</html>")).unwrap()
        });
        let trouble = trouble_of(service).await;
        assert!(matches!(trouble, Trouble::NotJson(_)), "{content_type}: {trouble}");
        assert!(!format!("{trouble} {trouble:?}").contains("secret"));
    }
    let problem = Service::new().answers(|| {
        let answer = Response::builder().header("content-type", "Application/Problem+JSON; charset=utf-8");
        answer.body(Body::from("1")).unwrap()
    });
    assert_eq!(uncached(&problem).get::<u32>("/x").await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308, 304, 300] {
        let service = Service::new().answers(move || json(status, &[("location", "http://169.254.169.254/")], ""));
        let trouble = trouble_of(service.clone()).await;
        assert!(matches!(trouble, Trouble::Redirected(_)), "{status}: {trouble}");
        assert_eq!(service.asked().len(), 1);
        assert!(!format!("{trouble}").contains("169.254"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_oversized_body_ends_at_its_limit() {
    let announced = Service::new().answers(|| json(200, &[("content-length", "5000000")], "1"));
    let endless = Service::new().answers(|| {
        let parts = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 64 << 10])));
        Response::new(Body::from_stream(parts))
    });
    for service in [announced, endless] {
        let trouble = trouble_of(service.clone()).await;
        assert!(
            matches!(
                trouble,
                Trouble::TooLarge {
                    part: "body",
                    limit: 1_048_576
                }
            ),
            "{trouble}"
        );
        assert_eq!(service.asked().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_at_its_limit_is_read() {
    let service = Service::new().json("[1,2,3,4]");
    for (body_bytes_max, is_read) in [(9, true), (8, false)] {
        let limits = Limits {
            body_bytes_max,
            ..Limits::default()
        };
        let settings = ClientSettings { limits, ..settings() };
        let answer = with(&service, settings).get::<Vec<u8>>("/x").await;
        assert_eq!(answer.is_ok(), is_read, "{body_bytes_max}");
    }
}

#[tokio::test(start_paused = true)]
async fn oversized_headers_end_at_their_limit() {
    let long: &'static str = "x".repeat(17 << 10).leak();
    let service = Service::new().answers(move || json(200, &[("x-note", long)], "1"));
    let trouble = trouble_of(service).await;
    assert!(
        matches!(trouble, Trouble::TooLarge { part: "headers", .. }),
        "{trouble}"
    );
}

fn drips(every: Duration) -> impl Fn() -> Response {
    move || {
        let parts = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(b" ")));
        Response::new(Body::from_stream(parts.then(move |part| async move {
            tokio::time::sleep(every).await;
            part
        })))
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_in_drips_ends_with_the_call() {
    let started = tokio::time::Instant::now();
    let trouble = trouble_of(Service::new().answers(drips(Duration::from_millis(500)))).await;
    assert!(matches!(trouble, Trouble::TimedOut(_)), "{trouble}");
    assert_eq!(started.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stands_still_ends_before_the_call() {
    let service = Service::new().answers(drips(Duration::from_secs(600)));
    let error = uncached(&service).post::<Value>("/x", &1).await.unwrap_err();
    assert!(
        matches!(error.trouble(), Trouble::TooSlow(limit) if *limit == Duration::from_secs(2)),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_asked_for_again() {
    let service = Service::new()
        .answers(|| {
            let parts = [Ok(Bytes::from_static(b"[1")), Err(std::io::Error::other("reset"))];
            Response::new(Body::from_stream(stream::iter(parts)))
        })
        .json("[1]");
    assert_eq!(uncached(&service).get::<Vec<u8>>("/x").await.unwrap(), [1]);
    assert_eq!(service.asked().len(), 2);
}
