use onecommit_engine::Value;
use onecommit_tokens::{Authenticator, Credentials, PrincipalKind};

use super::fixture::*;

/// Lets what was spawned beside the requests run.
async fn beside() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_key_costs_no_request_for_a_minute() {
    let fixture = Fixture::new();
    let (key, state) = fixture.created().await;
    let principal = fixture.accepted(&key).await;
    assert_eq!(principal.kind(), PrincipalKind::ApiKey);
    assert_eq!(principal.key_id(), Some(state.id.as_str()));
    assert_eq!(principal.requests_per_minute(), Some(1_000));
    beside().await;
    let before = fixture.tables.requests();
    for _ in 0..5_900 {
        fixture
            .environment
            .clock()
            .sleep(std::time::Duration::from_millis(10))
            .await;
        fixture.accepted(&key).await;
    }
    assert_eq!(fixture.tables.requests(), before, "5,900 calls in 59 s");
}

#[tokio::test(start_paused = true)]
async fn the_last_use_is_written_at_most_once_a_minute_beside_the_request() {
    let fixture = Fixture::new();
    let (key, state) = fixture.created().await;
    let used = || {
        let row = fixture.tables.row("keys", &[state.id.as_str()]).unwrap();
        row.get("lastUsedAt").and_then(Value::as_str).map(str::to_owned)
    };
    fixture.accepted(&key).await;
    assert_eq!(used(), None, "nobody waited for it");
    beside().await;
    assert_eq!(used().as_deref(), Some("2026-11-28T12:00:00.000Z"));
    // Another process does not write it again.
    let other = verifier_on(&fixture.tables, &fixture.environment);
    for _ in 0..50 {
        fixture.pass(1).await;
        fixture.accepted(&key).await;
        other.verify(key.expose()).await.unwrap();
        beside().await;
    }
    assert_eq!(used().as_deref(), Some("2026-11-28T12:00:00.000Z"));
    fixture.pass(20).await;
    fixture.accepted(&key).await;
    beside().await;
    assert_eq!(used().as_deref(), Some("2026-11-28T12:01:10.000Z"));
    assert_eq!(
        fixture
            .keys
            .state(&state.id)
            .await
            .unwrap()
            .last_used_at
            .unwrap()
            .to_string(),
        used().unwrap()
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_is_taken_from_either_header() {
    let fixture = Fixture::new();
    let (key, _) = fixture.created().await;
    let callers = Authenticator::default().with_api_keys(verifier_on(&fixture.tables, &fixture.environment));
    let bearer = format!("Bearer {}", key.expose());
    let of_own = Credentials {
        authorization: None,
        api_key: Some(key.expose()),
    };
    for credentials in [Credentials::of_authorization(&bearer), of_own] {
        let principal = callers.authenticate(credentials).await.unwrap();
        assert!(principal.subject().starts_with("key:"));
    }
}
