//! What the context promises of users: who they are, how they are reached, and that everybody hears of a change.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use onecommit_engine::{
    DatabaseError, EventLog, Key, Table, TableReader, TableWriter, TransientKind, Value as DatabaseValue, Verdict,
};
use onecommit_environment::Environment;
use onecommit_event::{Event, Metadata};
use onecommit_sealing::{Sealer, Subject};
use onecommit_testing::{MemoryDatabase, TestConsumer, an_event};
use serde_json::{Value, json};
use storefront_users::Users;
use storefront_users::{CONTACT, ChangeUserPreferences, Channel, Contact, Preferences, UserPreferencesChanged};
use tower::ServiceExt;

struct House {
    kit: TestConsumer,
    database: Arc<MemoryDatabase>,
    users: Users,
    sealer: Arc<Sealer>,
}

fn log() -> EventLog {
    EventLog::new(Table::new("events"))
}

impl House {
    fn new() -> Self {
        let database = Arc::<MemoryDatabase>::default();
        let environment = Environment::system();
        let keys = Table::new("subject-keys");
        let sealer = Sealer::new(database.clone(), keys, environment.clone());
        // As long as in the function.
        let sealer = Arc::new(sealer.with_cache(Duration::from_secs(10)));
        let table = Table::new("users");
        let users = Users::new(database.clone(), table, log(), sealer.clone(), environment.clone());
        let kit = TestConsumer::on(database.clone(), users.consumer("users"), environment).with_event_log(log());
        Self {
            kit,
            database,
            users,
            sealer,
        }
    }

    async fn with_ada() -> Self {
        let house = Self::new();
        let (status, _) = house
            .ask("PUT", "/users/ada", Some(json!({"displayName": "Ada"})))
            .await;
        assert_eq!(status, StatusCode::OK);
        house
    }

    async fn event_types(&self) -> Vec<String> {
        let events = self.events().await;
        events.iter().map(|event| event.event_type().to_owned()).collect()
    }

    async fn events(&self) -> Vec<Event> {
        let page = self
            .database
            .query(&log().table().query("stream", "User#ada"))
            .await
            .unwrap();
        page.rows.iter().map(|row| EventLog::event_in(row).unwrap()).collect()
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let (status, _, body) = self.ask_if(method, path, None, body).await;
        (status, body)
    }

    /// The status, the `ETag` and the body.
    async fn ask_if(
        &self,
        method: &str,
        path: &str,
        demand: Option<(&str, &str)>,
        body: Option<Value>,
    ) -> (StatusCode, String, Value) {
        let router = onecommit_http::json_errors(self.users.api());
        let request = Request::builder().method(method).uri(path);
        let request = match demand {
            Some((name, tags)) => request.header(name, tags),
            None => request,
        };
        let request = request
            .header("content-type", "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let tag = response
            .headers()
            .get("etag")
            .map(|tag| tag.to_str().unwrap().to_owned());
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (
            status,
            tag.unwrap_or_default(),
            serde_json::from_slice(&bytes).unwrap_or_default(),
        )
    }
}

fn by_email() -> Value {
    json!({"email": "ada@example.com", "channels": ["email"]})
}

#[tokio::test]
async fn a_change_reuses_the_key_made_at_registration() {
    let house = House::with_ada().await;
    assert_eq!(
        house.database.requests(),
        4,
        "the row, the key, its making, and one transaction"
    );
    house
        .ask("PUT", "/users/ada", Some(json!({"displayName": "Ada L."})))
        .await;
    assert_eq!(house.database.requests(), 6, "the row, and one transaction");
}

#[tokio::test]
async fn a_user_registers_changes_and_is_shown_and_each_change_is_one_event() {
    let house = House::with_ada().await;
    house
        .ask(
            "PUT",
            "/users/ada",
            Some(json!({"displayName": "Ada L.", "locale": "en-GB"})),
        )
        .await;
    house.ask("PUT", "/users/ada/preferences", Some(by_email())).await;
    assert_eq!(
        house.ask("GET", "/users/ada", None).await,
        (
            StatusCode::OK,
            json!({"userId": "ada", "displayName": "Ada L.", "locale": "en-GB",
                   "createdAt": house.events().await[0].timestamp().to_string(), "version": 3})
        )
    );
    assert_eq!(
        house.ask("GET", "/users/ada/preferences", None).await.1,
        json!({"userId": "ada", "email": "ada@example.com", "channels": ["email"], "version": 3})
    );
    assert_eq!(
        house.event_types().await,
        ["UserRegistered", "UserProfileChanged", "UserPreferencesChanged"]
    );
    let event = house.events().await.remove(2);
    let told: Event<UserPreferencesChanged> = event.decode().unwrap();
    let (id, contact) = (told.id().to_string(), &told.payload().contact);
    let opened = house.sealer.open_within(CONTACT, &id, contact).await.unwrap().known();
    assert_eq!(opened.unwrap().email.as_deref(), Some("ada@example.com"));
    let elsewhere = house.sealer.open_within(CONTACT, "another event", contact).await;
    assert!(elsewhere.is_err(), "it opens in its own event only");
}

/// Everything in the tables of the context and of events, as text.
async fn written_down(house: &House) -> String {
    let row = house.database.row("users", &["ada"]);
    let events = house.events().await;
    let events: Vec<String> = events.iter().map(Event::to_json).collect();
    format!("{row:?} {events:?}")
}

#[tokio::test]
async fn personal_data_is_never_written_in_clear() {
    let house = House::with_ada().await;
    house.ask("PUT", "/users/ada/preferences", Some(by_email())).await;
    let written = written_down(&house).await;
    assert!(!written.contains("Ada") && !written.contains("ada@"), "{written}");
}

#[tokio::test]
async fn a_forgotten_user_is_gone_and_does_not_come_back() {
    let house = House::with_ada().await;
    house.ask("PUT", "/users/ada/preferences", Some(by_email())).await;
    house.sealer.forget(&Subject::new("User#ada").unwrap()).await.unwrap();
    let profile = Some(json!({"displayName": "Ada"}));
    for (method, path, body) in [
        ("GET", "/users/ada", None),
        ("GET", "/users/ada/preferences", None),
        ("PUT", "/users/ada", profile),
        ("PUT", "/users/ada/preferences", Some(by_email())),
    ] {
        let (status, answer) = house.ask(method, path, body).await;
        assert_eq!(
            (status, &answer["error"]),
            (StatusCode::GONE, &json!("forgottenUser")),
            "{method} {path}"
        );
    }
    let verdicts = house.kit.receive(&[&command(Preferences::default())]).await;
    assert!(matches!(verdicts[..], [Verdict::Park { .. }]), "{verdicts:?}");
}

#[tokio::test]
async fn a_row_in_clear_is_shown_and_sealed_with_the_next_change() {
    let house = House::new();
    let text = |name: &str, text: &str| (name.to_owned(), text.into());
    let row = [
        text("displayName", "Ada"),
        text("email", "ada@example.com"),
        ("channels".to_owned(), DatabaseValue::List(vec!["email".into()])),
        ("streamVersion".to_owned(), 2_u64.into()),
    ];
    let put = Table::new("users").put(Key::new("userId", "ada"), row);
    house.database.write(&put.into()).await.unwrap();
    let registered = an_event(
        "User",
        "ada",
        ChangeUserPreferences {
            user_id: "ada".into(),
            preferences: Preferences::default(),
            contact: None,
        },
    );
    let registered = registered.with_metadata(Metadata {
        sequence: Some(1),
        ..Metadata::starting("somebody")
    });
    house.database.write(&log().put(&registered).into()).await.unwrap();
    let (_, shown) = house.ask("GET", "/users/ada", None).await;
    assert_eq!(
        shown["createdAt"],
        json!(registered.timestamp().to_string()),
        "as its first event says"
    );
    let (_, shown) = house.ask("GET", "/users/ada/preferences", None).await;
    assert_eq!(shown["email"], "ada@example.com");
    let (status, _) = house
        .ask("PUT", "/users/ada", Some(json!({"displayName": "Ada L."})))
        .await;
    assert_eq!(status, StatusCode::OK);
    let (_, shown) = house.ask("GET", "/users/ada/preferences", None).await;
    assert_eq!(shown["email"], "ada@example.com");
    let row = house.database.row("users", &["ada"]);
    let written = format!("{row:?}");
    assert!(!written.contains("Ada") && !written.contains("ada@"), "{written}");
}

#[tokio::test]
async fn a_user_may_have_a_picture_at_an_https_address_only() {
    let house = House::with_ada().await;
    let picture = "https://example.com/ada.png";
    let (status, shown) = house
        .ask(
            "PUT",
            "/users/ada",
            Some(json!({"displayName": "Ada", "avatar": picture})),
        )
        .await;
    assert_eq!((status, &shown["avatar"]), (StatusCode::OK, &json!(picture)));
    assert_eq!(house.ask("GET", "/users/ada", None).await.1, shown);
    for address in [
        "http://example.com/ada.png",
        "javascript:alert(1)",
        "https://",
        "https://ada:secret@example.com/",
        "https://example.com/a b",
        "ada.png",
        "",
        &format!("https://example.com/{}", "x".repeat(2048)),
    ] {
        let wanted = json!({"displayName": "Ada", "avatar": address});
        let (status, error) = house.ask("PUT", "/users/ada", Some(wanted)).await;
        assert_eq!(
            (status, &error["error"]),
            (StatusCode::BAD_REQUEST, &json!("invalidProfile"))
        );
    }
}

#[tokio::test]
async fn a_version_that_is_known_is_not_sent_and_another_is_not_changed() {
    let house = House::with_ada().await;
    for path in ["/users/ada", "/users/ada/preferences"] {
        let (status, tag, _) = house.ask_if("GET", path, None, None).await;
        assert_eq!((status, tag.as_str()), (StatusCode::OK, "\"1\""));
        let (status, _, body) = house.ask_if("GET", path, Some(("if-none-match", &tag)), None).await;
        assert_eq!((status, body), (StatusCode::NOT_MODIFIED, Value::Null));
    }
    let ada = |name: &str| Some(json!({"displayName": name}));
    let (status, tag, _) = house
        .ask_if("PUT", "/users/ada", Some(("if-match", "\"1\"")), ada("Ada L."))
        .await;
    assert_eq!((status, tag.as_str()), (StatusCode::OK, "\"2\""));
    for (path, header, tags, body) in [
        ("/users/ada", "if-match", "\"1\"", ada("Eve")),
        ("/users/ada", "if-none-match", "*", ada("Eve")),
        ("/users/eve", "if-match", "*", ada("Eve")),
        ("/users/ada/preferences", "if-match", "\"1\"", Some(by_email())),
    ] {
        let (status, _, error) = house.ask_if("PUT", path, Some((header, tags)), body).await;
        let expected = (StatusCode::PRECONDITION_FAILED, &json!("versionMismatch"));
        assert_eq!((status, &error["error"]), expected, "{path} {header}: {tags}");
    }
    assert_eq!(house.event_types().await.len(), 2);
}

#[tokio::test]
async fn a_command_may_carry_its_addresses_sealed() {
    let house = House::with_ada().await;
    let contact = Contact {
        phone: Some("+4930123456".into()),
        ..Contact::default()
    };
    let subject = Subject::new("User#ada").unwrap();
    let by_sms = Preferences {
        channels: [Channel::Sms].into(),
        ..Preferences::default()
    };
    let plain = command(by_sms);
    let id = plain.id().to_string();
    for (within, is_taken) in [("another event", false), (id.as_str(), true)] {
        let sealed = house
            .sealer
            .seal_within(&subject, CONTACT, within, &contact)
            .await
            .unwrap();
        let mut json: Value = serde_json::from_str(&plain.to_json()).unwrap();
        json["payload"]["contact"] = serde_json::to_value(&sealed).unwrap();
        let verdicts = house
            .kit
            .receive(&[&Event::from_json(&json.to_string()).unwrap()])
            .await;
        assert_eq!(verdicts == [Verdict::Done], is_taken, "{verdicts:?}");
    }
    let shown = house.ask("GET", "/users/ada/preferences", None).await.1;
    assert_eq!(shown["phone"], "+4930123456");
}

#[tokio::test]
async fn a_request_sent_twice_is_one_change() {
    let house = House::with_ada().await;
    for _ in 0..2 {
        let (status, answer) = house.ask("PUT", "/users/ada/preferences", Some(by_email())).await;
        assert_eq!((status, &answer["version"]), (StatusCode::OK, &json!(2)));
    }
    assert_eq!(house.event_types().await, ["UserRegistered", "UserPreferencesChanged"]);
}

#[tokio::test]
async fn concurrent_changes_are_both_applied() {
    let house = House::with_ada().await;
    let renaming = house.ask("PUT", "/users/ada", Some(json!({"displayName": "Ada L."})));
    let preferring = house.ask("PUT", "/users/ada/preferences", Some(by_email()));
    let (renamed, preferred) = tokio::join!(renaming, preferring);
    assert_eq!((renamed.0, preferred.0), (StatusCode::OK, StatusCode::OK));
    assert_eq!(house.ask("GET", "/users/ada", None).await.1["displayName"], "Ada L.");
    assert_eq!(
        house.ask("GET", "/users/ada/preferences", None).await.1["email"],
        "ada@example.com"
    );
    assert_eq!(house.events().await.len(), 3);
}

#[tokio::test]
async fn a_request_can_be_repeated_after_an_outage() {
    let house = House::new();
    let body = json!({"displayName": "Ada"});
    let unavailable = DatabaseError::Transient(TransientKind::Unavailable, "no answer".into());
    house.database.fail_next(unavailable);
    let (status, answer) = house.ask("PUT", "/users/ada", Some(body.clone())).await;
    assert_eq!(
        (status, &answer["error"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable"))
    );
    let (status, _) = house.ask("PUT", "/users/ada", Some(body)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(house.event_types().await, ["UserRegistered"]);
}

#[tokio::test]
async fn an_invalid_request_is_refused_and_nothing_is_written() {
    let house = House::with_ada().await;
    let long = "x".repeat(129);
    for (method, path, body, status, code) in [
        ("GET", "/users/bob", None, 404, "unknownUser"),
        ("GET", "/users/bob/preferences", None, 404, "unknownUser"),
        ("PUT", "/users/bob/preferences", Some(by_email()), 404, "unknownUser"),
        (
            "PUT",
            "/users/a%20b",
            Some(json!({"displayName": "A"})),
            400,
            "invalidUserId",
        ),
        (
            "PUT",
            &format!("/users/{long}"),
            Some(json!({"displayName": "A"})),
            400,
            "invalidUserId",
        ),
        (
            "PUT",
            "/users/ada",
            Some(json!({"displayName": ""})),
            400,
            "invalidProfile",
        ),
        ("PUT", "/users/ada", Some(json!({})), 422, "invalidBody"),
        (
            "PUT",
            "/users/ada/preferences",
            Some(json!({"channels": ["email"]})),
            400,
            "invalidPreferences",
        ),
        (
            "PUT",
            "/users/ada/preferences",
            Some(json!({"channels": ["pigeon"]})),
            422,
            "invalidBody",
        ),
    ] {
        let answer = house.ask(method, path, body).await;
        assert_eq!(
            (answer.0.as_u16(), &answer.1["error"]),
            (status, &json!(code)),
            "{method} {path}: {}",
            answer.1
        );
    }
    assert_eq!(house.events().await.len(), 1);
}

fn command(preferences: Preferences) -> Event {
    let command = ChangeUserPreferences {
        user_id: "ada".into(),
        preferences,
        contact: None,
    };
    an_event("Import", "import-1", command)
}

#[tokio::test]
async fn every_command_is_answered_with_its_outcome() {
    let house = House::with_ada().await;
    let by_sms = Preferences {
        contact: Contact {
            phone: Some("+4930123456".into()),
            ..Contact::default()
        },
        channels: [Channel::Sms].into(),
    };
    let leads_nowhere = Preferences {
        contact: Contact::default(),
        channels: [Channel::Sms].into(),
    };
    let commands = [command(by_sms.clone()), command(by_sms), command(leads_nowhere)];
    for command in &commands {
        assert_eq!(house.kit.receive(&[command]).await, [Verdict::Done]);
    }
    assert_eq!(
        house.event_types().await[1..],
        [
            "UserPreferencesChanged",
            "UserPreferencesUnchanged",
            "UserPreferencesRefused"
        ]
    );
    let causes: Vec<String> = house.events().await[1..]
        .iter()
        .map(|reply| reply.metadata().causation_id.clone())
        .collect();
    assert_eq!(causes, commands.each_ref().map(|command| command.id().to_string()));
    let shown = house.ask("GET", "/users/ada/preferences", None).await.1;
    assert_eq!(shown["phone"], "+4930123456");
}

#[tokio::test]
async fn a_command_for_an_unknown_user_is_parked() {
    let house = House::new();
    let verdicts = house.kit.receive(&[&command(Preferences::default())]).await;
    let [Verdict::Park { error, .. }] = &verdicts[..] else {
        panic!("{verdicts:?}")
    };
    assert!(error.contains("PUT /users/"), "{error}");
}

/// What is left out, or written wrongly, does not mean none.
#[tokio::test]
async fn preferences_are_put_as_a_whole_or_not_at_all() {
    let house = House::with_ada().await;
    house.ask("PUT", "/users/ada/preferences", Some(by_email())).await;
    for (body, field) in [
        (json!({}), "channels"),
        (json!({"email": "ada@example.com"}), "channels"),
        (json!({"emial": "ada@example.com", "channels": []}), "emial"),
        (json!({"email": "ada@example.com", "chanels": ["email"]}), "chanels"),
    ] {
        let (status, answer) = house.ask("PUT", "/users/ada/preferences", Some(body)).await;
        assert_eq!((status.as_u16(), &answer["error"]), (422, &json!("invalidBody")));
        let message = answer["message"].as_str().unwrap();
        assert!(message.starts_with(field), "{message}");
    }
    let (status, answer) = house
        .ask("PUT", "/users/ada", Some(json!({"displayName": "A", "local": "de"})))
        .await;
    assert_eq!(status.as_u16(), 422, "{answer}");
    assert!(answer["message"].as_str().unwrap().starts_with("local"), "{answer}");
    let (_, kept) = house.ask("GET", "/users/ada/preferences", None).await;
    assert_eq!(kept["channels"], json!(["email"]));
}

#[tokio::test]
async fn a_command_without_channels_is_parked() {
    let house = House::with_ada().await;
    let whole = command(Preferences::default()).to_json();
    let part = Event::from_json(&whole.replace(r#""channels":[]"#, r#""chanels":[]"#)).unwrap();
    let verdict = house.kit.receive(&[&part]).await.remove(0);
    assert!(matches!(verdict, Verdict::Park { .. }), "{verdict:?}");
}
