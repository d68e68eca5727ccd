use onecommit_client::{Address, ApiKey, CallContext, InvalidRequest, Trouble};
use serde_json::{Value, json};

use crate::kit::{Service, uncached};

#[tokio::test(start_paused = true)]
async fn a_header_cannot_be_injected() {
    let service = Service::new().json("1");
    let client = uncached(&service);
    for (name, value) in [
        ("x-note", "a\r\nX-Admin: true"),
        ("x-note", "a\nb"),
        ("x-note", "a\0b"),
        ("x-note\r\nx-admin", "a"),
        ("x note", "a"),
        ("", "a"),
        ("host", "evil.example"),
        ("Content-Length", "0"),
        ("transfer-encoding", "chunked"),
        ("x-request-deadline", "2099-01-01T00:00:00Z"),
    ] {
        let error = client.get::<Value>("/x").header(name, value).await.unwrap_err();
        let wrong = matches!(error.trouble(), Trouble::InvalidRequest(InvalidRequest::Header { .. }));
        assert!(wrong && !error.is_transient(), "{name:?}: {error}");
        assert!(
            !error.to_string().contains("X-Admin") && !error.to_string().contains("evil"),
            "{error}"
        );
    }
    let key = client.post::<Value>("/x", &json!({})).idempotency_key("pay\r\n1").await;
    assert!(key.is_err());
    assert!(service.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_id_from_outside_that_is_no_header_is_left_out() {
    let service = Service::new().json("1");
    let context = CallContext::correlated("a\r\nX-Admin: true").traced("\u{7f}");
    uncached(&service)
        .on_behalf_of(&context)
        .get::<u32>("/x")
        .await
        .unwrap();
    let asked = &service.asked()[0];
    assert_eq!(
        (asked.header("x-correlation-id"), asked.header("traceparent")),
        (None, None)
    );
    assert_eq!(asked.header("x-admin"), None);
}

#[tokio::test(start_paused = true)]
async fn a_path_that_leaves_its_service_is_not_sent() {
    let service = Service::new().json("1");
    for path in [
        "prices",
        "//evil.example/x",
        "/../admin",
        "/a/%2e%2e/admin",
        "/a b",
        "/a\r\nb",
        "@evil.example",
    ] {
        let error = uncached(&service).get::<Value>(path).await.unwrap_err();
        assert!(
            matches!(error.trouble(), Trouble::InvalidRequest(InvalidRequest::Path(_))),
            "{path}"
        );
    }
    assert!(service.asked().is_empty());
}

#[test]
fn an_address_is_http_and_nothing_else() {
    for address in [
        "",
        "prices",
        "/v1",
        "ftp://a",
        "http://",
        "http://user:pw@a",
        "http://a?x=1",
        "http://a#x",
        "file:///etc/passwd",
    ] {
        let error = Address::fixed("prices", address).unwrap_err().to_string();
        assert!(!error.contains("pw"), "{error}");
    }
    for address in ["http://a", "https://a:8443/v1/", "http://[::1]:80"] {
        Address::fixed("prices", address).unwrap();
    }
}

#[test]
fn an_api_key_is_a_word() {
    for text in ["", "a b", "a\n", "ü"] {
        assert!(ApiKey::new(text).is_err(), "{text:?}");
    }
}
