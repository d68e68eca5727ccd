use std::time::Duration;

use onecommit_tokens::{ApiKeyError, InvalidCredential as Invalid, RATE_PER_MINUTE_DEFAULT};

use super::fixture::*;

const OVERLAP: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn every_change_is_one_commit_with_its_event() {
    let fixture = Fixture::new();
    let (key, state) = fixture.created().await;
    assert_eq!((state.rate_per_minute, RATE_PER_MINUTE_DEFAULT), (1_000, 1_000));
    assert_eq!(fixture.tables.requests(), 1);
    assert_eq!(fixture.events(state.id.as_str()), ["ApiKeyCreated"]);
    let rotation = fixture.keys.rotate(&state.id, OVERLAP, OPERATOR).await.unwrap();
    assert_eq!(fixture.tables.requests(), 3, "one read, one transaction");
    assert_eq!(fixture.events(state.id.as_str()), ["ApiKeyCreated", "ApiKeyRotated"]);
    assert_eq!(fixture.events(rotation.state.id.as_str()), ["ApiKeyCreated"]);
    fixture.keys.revoke(&state.id, OPERATOR).await.unwrap();
    assert_eq!(fixture.tables.requests(), 5);
    assert_eq!(fixture.events(state.id.as_str()).last().unwrap(), "ApiKeyRevoked");
    assert_eq!(fixture.refused(key.expose()).await, Invalid::Revoked);
}

#[tokio::test(start_paused = true)]
async fn both_keys_are_accepted_until_the_overlap_ends() {
    let fixture = Fixture::new();
    let (old, state) = fixture.created().await;
    let rotation = fixture.keys.rotate(&state.id, OVERLAP, OPERATOR).await.unwrap();
    let new = rotation.key;
    assert_eq!(rotation.state.scopes, state.scopes);
    assert_eq!(
        fixture.accepted(&new).await.scopes(),
        fixture.accepted(&old).await.scopes()
    );
    fixture.pass(3_599).await;
    fixture.accepted(&old).await;
    fixture.pass(1).await;
    assert_eq!(fixture.refused(old.expose()).await, Invalid::Expired);
    fixture.accepted(&new).await;
}

#[tokio::test(start_paused = true)]
async fn an_overlap_does_not_lengthen_a_key_that_ends_before() {
    let fixture = Fixture::new();
    let end = fixture.environment.clock().now().plus(Duration::from_secs(60));
    let (_, state) = fixture
        .keys
        .create(onecommit_tokens::NewApiKey {
            expires_at: Some(end),
            ..new_key()
        })
        .await
        .unwrap();
    let rotation = fixture.keys.rotate(&state.id, OVERLAP, OPERATOR).await.unwrap();
    assert_eq!(rotation.old_ends_at, end);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_rotated_once_and_only_while_it_is_valid() {
    let fixture = Fixture::new();
    let (_, state) = fixture.created().await;
    let rotation = fixture.keys.rotate(&state.id, OVERLAP, OPERATOR).await.unwrap();
    let again = fixture.keys.rotate(&state.id, OVERLAP, OPERATOR).await;
    assert!(matches!(again, Err(ApiKeyError::Rotated(_, successor)) if successor == rotation.state.id));
    fixture.keys.revoke(&rotation.state.id, OPERATOR).await.unwrap();
    let ended = fixture.keys.rotate(&rotation.state.id, OVERLAP, OPERATOR).await;
    assert!(matches!(ended, Err(ApiKeyError::Ended(_))));
    let long = fixture
        .keys
        .rotate(&state.id, Duration::from_secs(91 * 24 * 3600), OPERATOR)
        .await;
    assert!(matches!(long, Err(ApiKeyError::Field { field: "overlap", .. })));
    let unknown = "0".repeat(32).parse().unwrap();
    assert!(matches!(
        fixture.keys.revoke(&unknown, OPERATOR).await,
        Err(ApiKeyError::Unknown(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn revoking_twice_is_revoking_once() {
    let fixture = Fixture::new();
    let (_, state) = fixture.created().await;
    let first = fixture.keys.revoke(&state.id, OPERATOR).await.unwrap();
    fixture.pass(10).await;
    let second = fixture.keys.revoke(&state.id, "somebody else").await.unwrap();
    assert_eq!(first.revoked_at, second.revoked_at);
    assert_eq!(fixture.events(state.id.as_str()), ["ApiKeyCreated", "ApiKeyRevoked"]);
}

#[tokio::test(start_paused = true)]
async fn of_two_rotations_at_the_same_time_one_happens() {
    let fixture = Fixture::new();
    let other = keys_on(&fixture.tables, &fixture.environment, 9);
    let (_, state) = fixture.created().await;
    let (one, two) = tokio::join!(
        fixture.keys.rotate(&state.id, OVERLAP, OPERATOR),
        other.rotate(&state.id, OVERLAP, OPERATOR)
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    assert_eq!(fixture.tables.count("keys"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_has_every_page_and_names_what_is_malformed() {
    let fixture = Fixture::new();
    for _ in 0..5 {
        fixture.created().await;
        fixture.pass(1).await;
    }
    fixture.tables.end_pages_after(2);
    let (states, malformed) = fixture.keys.list().await.unwrap();
    assert_eq!((states.len(), malformed), (5, 0));
    assert!(states.is_sorted_by_key(|state| state.created_at));
    assert!(!format!("{states:?}").contains("hash"));
}
