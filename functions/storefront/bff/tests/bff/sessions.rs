use std::time::Duration;

use axum::http::Method;
use serde_json::json;

use crate::kit::{Fixture, SITE, asked};

const JSON: (&str, &str) = ("content-type", "application/json");
const OWN: (&str, &str) = ("origin", SITE);

/// Signs in as a page does, and gives the cookie.
async fn signed_in(fixture: &Fixture, user: &str) -> String {
    let body = json!({"userId": user}).to_string();
    let answer = fixture.send(asked(Method::POST, "/session", &[JSON, OWN], &body)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert!(!answer.text.contains("eyJ"), "the token is in the cookie alone");
    let cookie = answer.header("set-cookie");
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_how_to_sign_in() {
    let fixture = Fixture::new();
    for path in ["/dashboard", "/orders/ord_1", "/orders/ord_1/updates", "/session"] {
        let answer = fixture.send(asked(Method::GET, path, &[], "")).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"storefront\"");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["status"], 401);
    }
    assert!(fixture.shop.lock().unwrap().requests.is_empty());
}

#[tokio::test(start_paused = true)]
async fn sessions_that_are_not_valid_are_refused() {
    let fixture = Fixture::new();
    let valid = fixture.bearer("ada");
    let mut refused = vec![
        "Bearer".to_owned(),
        "Bearer x.y.z".to_owned(),
        "Basic dTpw".to_owned(),
        format!("{valid}x"),
        fixture.bearer_of("ada", "somebody-else", "onecommit"),
        // A service's token is not a person's session, though the same secret signed it.
        fixture.bearer_of("ada", "local-services", "onecommit"),
        fixture.bearer_of("ada", "local-users", "another-shop"),
        format!("Bearer {}", "a".repeat(20_000)),
    ];
    let expired = valid.clone();
    assert_eq!(fixture.get("/session", "ada").await.status, 200);
    tokio::time::sleep(Duration::from_secs(301)).await;
    refused.push(expired);
    for header in refused {
        let answer = fixture
            .send(asked(Method::GET, "/dashboard", &[("authorization", &header)], ""))
            .await;
        assert_eq!(answer.status, 401, "{header}");
        assert!(
            answer.header("www-authenticate").contains("error=\"invalid_token\""),
            "{answer:?}"
        );
    }
    let cookie = format!("__Host-session={}", &valid["Bearer ".len()..]);
    let answer = fixture
        .send(asked(Method::GET, "/dashboard", &[("cookie", &cookie)], ""))
        .await;
    assert_eq!(answer.status, 401, "an expired cookie");
}

#[tokio::test(start_paused = true)]
async fn a_cookie_is_a_session_until_it_ends() {
    let fixture = Fixture::new();
    let cookie = signed_in(&fixture, "ada").await;
    let answer = fixture
        .send(asked(Method::GET, "/session", &[("cookie", &cookie)], ""))
        .await;
    assert_eq!((answer.status, &answer.json()["userId"]), (200, &json!("ada")));
    let ended = fixture
        .send(asked(Method::DELETE, "/session", &[("cookie", &cookie), OWN], ""))
        .await;
    assert_eq!(ended.status, 204);
    assert!(ended.header("set-cookie").starts_with("__Host-session=;"));
    let twice = format!("{cookie}; __Host-session=x.y.z");
    let answer = fixture
        .send(asked(Method::GET, "/session", &[("cookie", &twice)], ""))
        .await;
    assert_eq!(answer.status, 401);
}

#[tokio::test(start_paused = true)]
async fn a_change_with_the_cookie_comes_from_this_site() {
    let fixture = Fixture::new();
    fixture.product("TEAPOT", 1_250, true);
    let cookie = signed_in(&fixture, "ada").await;
    let wanted = json!({"items": [{"sku": "TEAPOT", "quantity": 1}], "paymentMethod": "card"}).to_string();
    let key = ("idempotency-key", "key-1");
    for origin in [
        None,
        Some("https://evil.example"),
        Some("null"),
        Some("http://shop.example"),
    ] {
        let mut headers = vec![JSON, key, ("cookie", &*cookie)];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let answer = fixture.send(asked(Method::POST, "/orders", &headers, &wanted)).await;
        assert_eq!((answer.status, &*answer.code()), (403, "foreignOrigin"), "{origin:?}");
        let answer = fixture.send(asked(Method::DELETE, "/session", &headers, "")).await;
        assert_eq!(answer.status, 403, "{origin:?}");
    }
    assert!(fixture.shop.lock().unwrap().orders.is_empty());
    let headers = [JSON, key, OWN, ("cookie", &*cookie)];
    assert_eq!(
        fixture
            .send(asked(Method::POST, "/orders", &headers, &wanted))
            .await
            .status,
        202
    );
}

#[tokio::test(start_paused = true)]
async fn signing_in_takes_an_id_from_this_site() {
    let fixture = Fixture::new();
    for (user, status) in [
        ("", 422),
        ("a b", 422),
        ("../x", 422),
        (&*"x".repeat(65), 422),
        ("ada-1_B", 201),
    ] {
        let body = json!({"userId": user}).to_string();
        let answer = fixture.send(asked(Method::POST, "/session", &[JSON], &body)).await;
        assert_eq!(answer.status, status, "{user}");
    }
    let foreign = ("origin", "https://evil.example");
    let body = json!({"userId": "ada"}).to_string();
    let answer = fixture
        .send(asked(Method::POST, "/session", &[JSON, foreign], &body))
        .await;
    assert_eq!((answer.status, answer.header("set-cookie")), (403, ""));
}

#[tokio::test(start_paused = true)]
async fn a_token_can_be_put_into_the_cookie() {
    let fixture = Fixture::new();
    let bearer = fixture.bearer("ada");
    let answer = fixture
        .send(asked(Method::POST, "/session", &[("authorization", &bearer)], ""))
        .await;
    assert_eq!((answer.status, &answer.json()["userId"]), (201, &json!("ada")));
    assert!(answer.header("set-cookie").contains("Max-Age=300"));
    let answer = fixture
        .send(asked(
            Method::POST,
            "/session",
            &[("authorization", "Bearer x.y.z")],
            "",
        ))
        .await;
    assert_eq!((answer.status, answer.header("set-cookie")), (401, ""));
}

#[tokio::test(start_paused = true)]
async fn routes_and_methods_that_are_none_are_answered_as_json() {
    let fixture = Fixture::new();
    let bearer = fixture.bearer("ada");
    for (method, path, status) in [
        (Method::GET, "/nothing", 404),
        (Method::GET, "/orders/ord_1/nothing", 404),
        (Method::PUT, "/dashboard", 405),
        (Method::DELETE, "/orders/ord_1", 405),
    ] {
        let answer = fixture
            .send(asked(method, path, &[("authorization", &bearer)], ""))
            .await;
        assert_eq!(answer.status, status, "{path}");
        answer.code();
    }
}
