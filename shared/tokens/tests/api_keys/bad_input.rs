use std::sync::Arc;
use std::time::Duration;

use onecommit_engine::DatabaseError;
use onecommit_engine::{Key, Table, TableWriter, TransientKind, Value};
use onecommit_testing::MemoryDatabase;
use onecommit_tokens::{ApiKey, InvalidCredential as Invalid, NewApiKey, Refusal, Scopes};

use super::fixture::*;

#[tokio::test(start_paused = true)]
async fn a_malformed_key_costs_no_read() {
    let fixture = Fixture::new();
    let (key, _) = fixture.created().await;
    let good = key.expose();
    let (id, secret) = good.split_once('.').unwrap();
    let texts = [
        String::new(),
        ".".to_owned(),
        good.replace('.', ""),
        good.replace('.', ".."),
        format!("{id}.{secret}.{secret}"),
        format!("{good}."),
        format!("{good} "),
        "x".repeat(10 * 1024),
        format!("ock_{}", "é".repeat(38)),
        "🔑".to_owned(),
        good.to_uppercase(),
        good.replace("ock_", "ock-"),
        good.replace("ock_", "sk_l"),
        id.to_owned(),
        secret.to_owned(),
        format!("{id}.{}", "=".repeat(43)),
        format!("{id}.\0{}", &secret[1..]),
    ];
    let before = fixture.tables.requests();
    for text in &texts {
        assert_eq!(fixture.refused(text).await, Invalid::Malformed, "{text}");
    }
    assert_eq!(fixture.tables.requests(), before);
}

#[tokio::test(start_paused = true)]
async fn a_typing_error_anywhere_costs_no_read() {
    let fixture = Fixture::new();
    let (key, _) = fixture.created().await;
    let before = fixture.tables.requests();
    for position in 0..key.expose().len() {
        let mut typed = key.expose().as_bytes().to_vec();
        typed[position] = if typed[position] == b'0' { b'1' } else { b'0' };
        let typed = String::from_utf8(typed).unwrap();
        assert_eq!(fixture.refused(&typed).await, Invalid::Malformed, "position {position}");
    }
    assert_eq!(fixture.tables.requests(), before);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_id_costs_as_much_as_a_wrong_secret() {
    let fixture = Fixture::new();
    let (key, state) = fixture.created().await;
    fixture.accepted(&key).await;
    // Keys of other stages: of one, the id happens to be here.
    let (elsewhere, tables) = (Fixture::new(), Arc::new(MemoryDatabase::default()));
    let (unknown, _) = keys_on(&tables, &elsewhere.environment, 77)
        .create(new_key())
        .await
        .unwrap();
    let (wrong, other) = keys_on(&tables, &elsewhere.environment, 78)
        .create(new_key())
        .await
        .unwrap();
    let of_other = tables.row("keys", &[other.id.as_str()]).unwrap();
    let mut row = fixture.tables.row("keys", &[state.id.as_str()]).unwrap();
    assert_ne!(row["hash"], of_other["hash"]);
    row.remove("keyId");
    let put = Table::new("keys").put(Key::new("keyId", other.id.as_str()), row);
    fixture.tables.write(&put.into()).await.unwrap();
    for text in [unknown.expose(), wrong.expose()] {
        for _ in 0..3 {
            let before = fixture.tables.requests();
            assert_eq!(fixture.refused(text).await, Invalid::UnknownApiKey);
            assert_eq!(fixture.tables.requests(), before + 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_ends_in_the_second_it_was_said_to() {
    let fixture = Fixture::new();
    let end = fixture.environment.clock().now().plus(Duration::from_secs(30));
    let new = NewApiKey {
        expires_at: Some(end),
        ..new_key()
    };
    let (key, _) = fixture.keys.create(new).await.unwrap();
    fixture.pass(29).await;
    assert_eq!(fixture.accepted(&key).await.until(), Some(end));
    fixture.pass(1).await;
    assert_eq!(
        fixture.refused(key.expose()).await,
        Invalid::Expired,
        "also where it was kept"
    );
}

#[tokio::test(start_paused = true)]
async fn a_revoked_key_is_refused_within_a_minute_where_it_was_kept() {
    let fixture = Fixture::new();
    let at_once = verifier_on(&fixture.tables, &fixture.environment).keeping_for(Duration::ZERO);
    let (key, state) = fixture.created().await;
    fixture.accepted(&key).await;
    fixture.keys.revoke(&state.id, OPERATOR).await.unwrap();
    let refusal = at_once.verify(key.expose()).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Invalid(Invalid::Revoked)), "not kept");
    fixture.pass(59).await;
    fixture.accepted(&key).await;
    fixture.pass(1).await;
    assert_eq!(fixture.refused(key.expose()).await, Invalid::Revoked);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_was_damaged_lets_nobody_in() {
    let fixture = Fixture::new();
    let (key, state) = fixture.created().await;
    let good = fixture.tables.row("keys", &[state.id.as_str()]).unwrap();
    for (attribute, value) in [
        ("expiresAt", Value::from("soon")),
        ("revokedAt", Value::from(7)),
        ("scopes", Value::from("catalog:read")),
        ("scopes", Value::List(vec![Value::from("a b")])),
        ("ratePerMinute", Value::from(-1)),
        ("hash", Value::from("text")),
        ("hash", Value::Bytes(Vec::new())),
        ("hash", Value::Null),
    ] {
        let mut row = good.clone();
        row.remove("keyId");
        row.insert(attribute.to_owned(), value);
        let put = Table::new("keys").put(Key::new("keyId", state.id.as_str()), row);
        fixture.tables.write(&put.into()).await.unwrap();
        assert_eq!(
            fixture.refused(key.expose()).await,
            Invalid::UnknownApiKey,
            "{attribute}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_does_not_answer_makes_no_key_invalid() {
    let fixture = Fixture::new();
    let (key, _) = fixture.created().await;
    fixture
        .tables
        .fail_next(DatabaseError::Transient(TransientKind::Unavailable, "no answer".into()));
    let refusal = fixture.verifier.verify(key.expose()).await.unwrap_err();
    assert_eq!(refusal.status(), 503);
    fixture.accepted(&key).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_key_cannot_be_is_refused_by_name() {
    let fixture = Fixture::new();
    let now = fixture.environment.clock().now();
    let wrong = [
        (
            "name",
            NewApiKey {
                name: String::new(),
                ..new_key()
            },
        ),
        (
            "name",
            NewApiKey {
                name: "a\nb".to_owned(),
                ..new_key()
            },
        ),
        (
            "name",
            NewApiKey {
                name: "x".repeat(201),
                ..new_key()
            },
        ),
        (
            "scopes",
            NewApiKey {
                scopes: Scopes::none(),
                ..new_key()
            },
        ),
        (
            "ratePerMinute",
            NewApiKey {
                rate_per_minute: 0,
                ..new_key()
            },
        ),
        (
            "expiresAt",
            NewApiKey {
                expires_at: Some(now),
                ..new_key()
            },
        ),
    ];
    for (field, new) in wrong {
        let error = fixture.keys.create(new).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("{field}: ")), "{error}");
    }
    assert_eq!(fixture.tables.count("keys"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_key_is_in_no_row_no_event_and_no_debug_text() {
    let fixture = Fixture::new();
    let (key, state) = fixture.created().await;
    fixture.accepted(&key).await;
    let rotation = fixture
        .keys
        .rotate(&state.id, Duration::from_secs(60), OPERATOR)
        .await
        .unwrap();
    tokio::task::yield_now().await;
    let shown = format!(
        "{:?} {key:?} {state:?} {rotation:?} {:?} {:?}",
        fixture.tables.dump(),
        fixture.keys,
        fixture.verifier
    );
    for key in [&key, &rotation.key] {
        let (_, secret) = key.expose().split_once('.').unwrap();
        assert!(!shown.contains(secret));
    }
    // An event holds not even the hash.
    let rows = fixture.tables.dump();
    let hashes = rows["keys"].iter().map(|row| format!("{:?}", row["hash"]));
    let events = format!("{:?}", rows["events"]);
    for hash in hashes {
        assert!(!events.contains(&hash));
    }
}

#[test]
fn a_key_has_the_form_that_scanners_look_for() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let (key, state) = runtime.block_on(async { Fixture::new().created().await });
    let (id, secret) = key.expose().strip_prefix("ock_").unwrap().split_once('.').unwrap();
    assert_eq!(id, state.id.as_str());
    assert_eq!((id.len(), secret.len()), (32, 43));
    assert!(ApiKey::parse(key.expose()).is_some());
}
