//! What sealing promises, on a table in memory.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{DatabaseError, Item, Key, Table, TableWriter, Transaction, TransientKind, Value, Write};
use onecommit_environment::{Environment, SystemRandom, Timestamp};
use onecommit_event::{Aggregate, Event, Payload};
use onecommit_sealing::{
    Field, KeyWrap, NoRandomness, Opened, SealError, Sealed, Sealer, SecretRandom, Subject, SubjectState,
    SystemSecrets, WrapError,
};
use onecommit_testing::{MemoryDatabase, SeededSecrets, SplitTables, VirtualClock};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Address {
    street: String,
    town: String,
}

const ADDRESS: Field = Field::named("CustomerRegistered.address");
const PHONE: Field = Field::named("CustomerRegistered.phone");
const NOW: &str = "2026-11-22T07:00:00.000Z";

fn address() -> Address {
    Address {
        street: "1 Harbour Road".into(),
        town: "Rostock".into(),
    }
}

fn subject(id: &str) -> Subject {
    Subject::new(format!("Customer#{id}")).unwrap()
}

fn table() -> Table {
    Table::new("subject-keys")
}

fn key_row(subject: &Subject) -> Key {
    Key::new("subject", subject.as_str())
}

struct Fixture {
    tables: Arc<MemoryDatabase>,
    sealer: Sealer,
    subject: Subject,
}

fn sealer_on(tables: &Arc<MemoryDatabase>) -> Sealer {
    let clock = Arc::new(VirtualClock::showing(Timestamp::parse(NOW).unwrap()));
    let environment = Environment::new(clock, Arc::new(SystemRandom));
    Sealer::new(tables.clone(), table(), environment)
}

fn fixture() -> Fixture {
    let tables = Arc::new(MemoryDatabase::default());
    Fixture {
        sealer: sealer_on(&tables),
        tables,
        subject: subject("cus_7"),
    }
}

impl Fixture {
    async fn sealed_address(&self) -> Sealed<Address> {
        self.sealer.seal(&self.subject, ADDRESS, &address()).await.unwrap()
    }

    async fn open(&self, sealed: &Sealed<Address>) -> Result<Opened<Address>, SealError> {
        self.sealer.open(ADDRESS, sealed).await
    }

    fn stored(&self) -> Item {
        self.tables.row("subject-keys", &[self.subject.as_str()]).unwrap()
    }

    /// Changes the row past the sealer, as a fault or another program would.
    async fn spoil_row(&self, attribute: &str, value: Option<Value>) {
        let update = table().update(key_row(&self.subject));
        let update = match value {
            Some(value) => update.set(attribute, value),
            None => update.remove(attribute),
        };
        self.tables.write(&update.into()).await.unwrap();
    }
}

/// The sealed value with one of its fields changed, as somebody who can write to a queue or a table could.
fn with(sealed: &Sealed<Address>, field: &str, value: &Json) -> Sealed<Address> {
    let mut json = serde_json::to_value(sealed).unwrap();
    json[field] = value.clone();
    serde_json::from_value(json).unwrap()
}

fn text_of(sealed: &Sealed<Address>, field: &str) -> Json {
    serde_json::to_value(sealed).unwrap()[field].clone()
}

#[tokio::test]
async fn what_was_sealed_opens_again() {
    let it = fixture();
    let sealed = it.sealed_address().await;
    assert_eq!(it.open(&sealed).await.unwrap(), Opened::Known(address()));
    assert_eq!(sealed.subject(), &it.subject);
}

#[tokio::test]
async fn a_sealed_field_travels_in_an_event_and_tells_nothing_of_the_value() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct CustomerRegistered {
        address: Sealed<Address>,
    }
    impl Payload for CustomerRegistered {
        const EVENT_TYPE: &'static str = "CustomerRegistered";
    }
    let it = fixture();
    let registered = CustomerRegistered {
        address: it.sealed_address().await,
    };
    let stream = Aggregate::new("Customer", "cus_7").unwrap();
    let json = Event::new(stream, registered.clone(), &Environment::system()).to_json();
    for word in ["Harbour", "Rostock", "street"] {
        assert!(
            !json.contains(word) && !format!("{registered:?}").contains(word),
            "{json}"
        );
    }
    let sealed = serde_json::from_str::<Json>(&json).unwrap()["payload"]["address"].clone();
    let mut names: Vec<&String> = sealed.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["algorithm", "ciphertext", "keyId", "nonce", "subject"]);

    let received = Event::from_json(&json).unwrap().decode::<CustomerRegistered>().unwrap();
    assert_eq!(received.payload(), &registered);
    let opened = it.open(&received.payload().address).await.unwrap();
    assert_eq!(opened.known(), Some(address()));
}

#[tokio::test]
async fn one_value_sealed_twice_looks_different() {
    let it = fixture();
    let (one, other) = (it.sealed_address().await, it.sealed_address().await);
    for field in ["nonce", "ciphertext"] {
        assert_ne!(text_of(&one, field), text_of(&other, field));
    }
    assert_eq!(text_of(&one, "keyId"), text_of(&other, "keyId"));
}

#[tokio::test(start_paused = true)]
async fn forgetting_forgets_every_copy_and_leaves_no_key() {
    let it = fixture();
    let sealed = it.sealed_address().await;
    let exported = serde_json::to_string(&sealed).unwrap();
    it.sealer.forget(&it.subject).await.unwrap();

    let when = Timestamp::parse(NOW).unwrap();
    for copy in [sealed, serde_json::from_str(&exported).unwrap()] {
        assert_eq!(it.open(&copy).await.unwrap(), Opened::Forgotten { when });
    }
    assert!(!it.stored().contains_key("key"));
    let state = it.sealer.state(&it.subject).await.unwrap();
    assert_eq!(state, SubjectState::Forgotten { when });
}

#[tokio::test]
async fn nothing_is_sealed_for_a_forgotten_subject_and_no_key_comes_back() {
    let it = fixture();
    it.sealed_address().await;
    it.sealer.forget(&it.subject).await.unwrap();
    let refused = it.sealer.seal(&it.subject, ADDRESS, &address()).await;
    assert!(matches!(refused, Err(SealError::Forgotten { .. })), "{refused:?}");
    assert!(!it.stored().contains_key("key"));
}

#[tokio::test]
async fn a_subject_can_be_forgotten_before_anything_was_sealed_for_it() {
    let it = fixture();
    assert_eq!(it.sealer.state(&it.subject).await.unwrap(), SubjectState::Unknown);
    it.sealer.forget(&it.subject).await.unwrap();
    let refused = it.sealer.seal(&it.subject, ADDRESS, &address()).await;
    assert!(matches!(refused, Err(SealError::Forgotten { .. })), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn forgetting_twice_keeps_the_first_time() {
    let it = fixture();
    it.sealed_address().await;
    it.sealer.forget(&it.subject).await.unwrap();
    tokio::time::advance(Duration::from_secs(3_600)).await;
    it.sealer.forget(&it.subject).await.unwrap();
    let when = Timestamp::parse(NOW).unwrap();
    let state = it.sealer.state(&it.subject).await.unwrap();
    assert_eq!(state, SubjectState::Forgotten { when });
}

#[tokio::test]
async fn forgetting_one_subject_leaves_the_others() {
    let it = fixture();
    let other = it.sealer.seal(&subject("cus_8"), ADDRESS, &address()).await.unwrap();
    it.sealed_address().await;
    it.sealer.forget(&it.subject).await.unwrap();
    assert_eq!(it.open(&other).await.unwrap(), Opened::Known(address()));
}

#[tokio::test]
async fn writers_at_once_agree_on_one_key() {
    let it = fixture();
    let another = sealer_on(&it.tables);
    let address = address();
    let (one, other) = tokio::join!(
        it.sealer.seal(&it.subject, ADDRESS, &address),
        another.seal(&it.subject, ADDRESS, &address)
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(text_of(&one, "keyId"), text_of(&other, "keyId"));
    for sealed in [&one, &other] {
        assert_eq!(it.open(sealed).await.unwrap(), Opened::Known(address.clone()));
    }
    // Two reads and two puts, of which one was too late; then two reads.
    assert_eq!(it.tables.requests(), 6);
}

#[tokio::test]
async fn sealing_and_opening_take_one_read_each() {
    let it = fixture();
    let sealed = it.sealed_address().await;
    assert_eq!(it.tables.requests(), 2);
    it.sealed_address().await;
    assert_eq!(it.tables.requests(), 3);
    it.open(&sealed).await.unwrap();
    assert_eq!(it.tables.requests(), 4);
}

#[tokio::test]
async fn every_changed_byte_of_the_ciphertext_and_the_nonce_is_noticed() {
    use base64::Engine;
    let base64 = base64::engine::general_purpose::STANDARD;
    let it = fixture();
    let sealed = it.sealed_address().await;
    for field in ["ciphertext", "nonce"] {
        let bytes = base64.decode(text_of(&sealed, field).as_str().unwrap()).unwrap();
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1;
            let changed = with(&sealed, field, &json!(base64.encode(changed)));
            let opened = it.open(&changed).await;
            assert!(
                matches!(opened, Err(SealError::Tampered { .. })),
                "{field} {position}: {opened:?}"
            );
        }
        for nonsense in ["", "AAAA", "no base64!"] {
            let opened = it.open(&with(&sealed, field, &json!(nonsense))).await;
            assert!(
                matches!(opened, Err(SealError::Tampered { .. })),
                "{field} {nonsense}: {opened:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_value_opens_for_its_own_subject_only() {
    let it = fixture();
    let mine = it.sealed_address().await;
    let theirs = it.sealer.seal(&subject("cus_8"), ADDRESS, &address()).await.unwrap();
    let moved = with(&mine, "subject", &text_of(&theirs, "subject"));
    let opened = it.open(&moved).await;
    assert!(matches!(opened, Err(SealError::OtherKey { .. })), "{opened:?}");
    let moved = with(&moved, "keyId", &text_of(&theirs, "keyId"));
    let opened = it.open(&moved).await;
    assert!(matches!(opened, Err(SealError::Tampered { .. })), "{opened:?}");
}

#[tokio::test]
async fn a_value_stays_with_its_subject_even_when_somebody_gives_another_the_same_key() {
    let it = fixture();
    let mine = it.sealed_address().await;
    let thief = subject("cus_8");
    let mut stolen = it.stored();
    stolen.remove("subject");
    let put = table().put(key_row(&thief), stolen);
    it.tables.write(&put.into()).await.unwrap();
    let opened = it.open(&with(&mine, "subject", &json!(thief.as_str()))).await;
    assert!(matches!(opened, Err(SealError::Tampered { .. })), "{opened:?}");
}

#[tokio::test]
async fn a_value_opens_as_its_own_field_only() {
    let it = fixture();
    let sealed = it.sealed_address().await;
    let opened = it.sealer.open(PHONE, &sealed).await;
    assert!(matches!(opened, Err(SealError::Tampered { .. })), "{opened:?}");
}

#[tokio::test]
async fn what_newer_code_sealed_is_named_and_can_still_be_carried_along() {
    let it = fixture();
    let newer = with(&it.sealed_address().await, "algorithm", &json!("X-2"));
    let error = it.open(&newer).await.unwrap_err();
    assert!(matches!(error, SealError::UnknownAlgorithm { .. }), "{error:?}");
    assert!(error.to_string().contains("X-2"));
    assert_eq!(text_of(&newer, "algorithm"), json!("X-2"));
}

#[tokio::test]
async fn an_error_never_quotes_the_value() {
    let it = fixture();
    let sealed = it.sealed_address().await;
    let as_number: Sealed<u32> = serde_json::from_value(serde_json::to_value(&sealed).unwrap()).unwrap();
    let error = it.sealer.open(ADDRESS, &as_number).await.unwrap_err();
    assert!(matches!(error, SealError::NotOfType { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("Harbour"));
}

#[tokio::test]
async fn a_corrupt_row_is_named_and_never_replaced() {
    for (attribute, value) in [
        ("key", Some(Value::Bytes(vec![1; 31]))),
        ("key", Some("not bytes".into())),
        ("key", None),
        ("keyId", None),
        ("keyId", Some(7.into())),
        ("createdAt", Some("yesterday".into())),
        ("forgottenAt", Some("yesterday".into())),
    ] {
        let it = fixture();
        let sealed = it.sealed_address().await;
        it.spoil_row(attribute, value).await;
        let spoiled = it.stored();
        let opened = it.open(&sealed).await;
        assert!(
            matches!(opened, Err(SealError::CorruptKey { .. })),
            "{attribute}: {opened:?}"
        );
        let again = it.sealer.seal(&it.subject, ADDRESS, &address()).await;
        assert!(
            matches!(again, Err(SealError::CorruptKey { .. })),
            "{attribute}: {again:?}"
        );
        assert_eq!(it.stored(), spoiled);
    }
}

#[tokio::test]
async fn a_row_that_was_deleted_past_the_sealer_is_an_error_and_not_forgotten() {
    let it = fixture();
    let sealed = it.sealed_address().await;
    let delete = table().delete(key_row(&it.subject));
    it.tables.write(&delete.into()).await.unwrap();
    let opened = it.open(&sealed).await;
    assert!(matches!(opened, Err(SealError::NoKey { .. })), "{opened:?}");
    it.sealed_address().await;
    let opened = it.open(&sealed).await;
    assert!(matches!(opened, Err(SealError::OtherKey { .. })), "{opened:?}");
}

#[tokio::test]
async fn a_tombstone_wins_over_a_key_that_somebody_brought_back() {
    let it = fixture();
    let sealed = it.sealed_address().await;
    let key = it.stored()["key"].clone();
    it.sealer.forget(&it.subject).await.unwrap();
    it.spoil_row("key", Some(key)).await;
    assert!(matches!(it.open(&sealed).await.unwrap(), Opened::Forgotten { .. }));
}

/// Tables whose writes land and whose answers are lost.
struct Mute(Arc<MemoryDatabase>);

#[async_trait]
impl TableWriter for Mute {
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        self.0.transact(transaction).await?;
        Err(lost())
    }

    async fn write(&self, write: &Write) -> Result<(), DatabaseError> {
        self.0.write(write).await?;
        Err(lost())
    }
}

fn lost() -> DatabaseError {
    DatabaseError::Transient(TransientKind::Unavailable, "timeout".into())
}

#[tokio::test]
async fn a_key_whose_answer_was_lost_is_the_key_of_the_next_sealing() {
    let it = fixture();
    let mute = SplitTables {
        writer: Mute(it.tables.clone()),
        reader: it.tables.clone(),
    };
    let unlucky = Sealer::new(Arc::new(mute), table(), Environment::system());
    let error = unlucky.seal(&it.subject, ADDRESS, &address()).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    let key = it.stored()["keyId"].clone();

    let sealed = unlucky.seal(&it.subject, ADDRESS, &address()).await.unwrap();
    assert_eq!(Value::of(&text_of(&sealed, "keyId")).unwrap(), key);

    assert!(unlucky.forget(&it.subject).await.unwrap_err().is_transient());
    assert!(matches!(it.open(&sealed).await.unwrap(), Opened::Forgotten { .. }));
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_no_forgotten_subject() {
    let it = fixture();
    let sealed = it.sealed_address().await;
    it.tables.fail_next(lost());
    assert!(it.open(&sealed).await.unwrap_err().is_transient());
    assert_eq!(it.open(&sealed).await.unwrap(), Opened::Known(address()));
}

#[tokio::test(start_paused = true)]
async fn a_cache_saves_reads_for_a_minute_at_most() {
    let it = fixture();
    let caching = sealer_on(&it.tables).with_cache(Duration::from_secs(3_600));
    let sealed = it.sealed_address().await;
    let reads = it.tables.requests();
    for _ in 0..3 {
        caching.open(ADDRESS, &sealed).await.unwrap();
    }
    assert_eq!(it.tables.requests(), reads + 1);

    it.sealer.forget(&it.subject).await.unwrap();
    tokio::time::advance(Duration::from_millis(59_900)).await;
    assert_eq!(caching.open(ADDRESS, &sealed).await.unwrap(), Opened::Known(address()));
    tokio::time::advance(Duration::from_millis(100)).await;
    assert!(matches!(
        caching.open(ADDRESS, &sealed).await.unwrap(),
        Opened::Forgotten { .. }
    ));
}

#[tokio::test]
async fn a_key_that_was_just_made_is_not_read_again() {
    let it = fixture();
    let caching = sealer_on(&it.tables).with_cache(Duration::from_secs(60));
    let before = it.tables.requests();
    let sealed = caching.seal(&it.subject, ADDRESS, &address()).await.unwrap();
    caching.seal(&it.subject, ADDRESS, &address()).await.unwrap();
    caching.open(ADDRESS, &sealed).await.unwrap();
    assert_eq!(
        it.tables.requests() - before,
        2,
        "one read that finds nothing, and one write"
    );
}

#[tokio::test]
async fn what_is_sealed_with_a_key_forgotten_elsewhere_opens_for_nobody() {
    let it = fixture();
    let caching = sealer_on(&it.tables).with_cache(Duration::from_secs(60));
    caching.seal(&it.subject, ADDRESS, &address()).await.unwrap();
    it.sealer.forget(&it.subject).await.unwrap();
    let late = caching.seal(&it.subject, ADDRESS, &address()).await.unwrap();
    assert!(matches!(it.open(&late).await.unwrap(), Opened::Forgotten { .. }));
}

#[tokio::test]
async fn forgetting_takes_effect_at_once_in_the_process_that_forgets() {
    let it = fixture();
    let caching = sealer_on(&it.tables).with_cache(Duration::from_secs(60));
    let sealed = caching.seal(&it.subject, ADDRESS, &address()).await.unwrap();
    caching.open(ADDRESS, &sealed).await.unwrap();
    caching.forget(&it.subject).await.unwrap();
    assert!(matches!(
        caching.open(ADDRESS, &sealed).await.unwrap(),
        Opened::Forgotten { .. }
    ));
}

#[tokio::test]
async fn a_cache_is_bounded() {
    let it = fixture();
    let caching = sealer_on(&it.tables).with_cache(Duration::from_secs(60));
    let mut sealed = Vec::new();
    for number in 0..1_001 {
        let value = caching
            .seal(&subject(&format!("c-{number}")), ADDRESS, &address())
            .await;
        sealed.push(value.unwrap());
        caching.open(ADDRESS, &sealed[number]).await.unwrap();
    }
    let reads = it.tables.requests();
    for value in &sealed {
        caching.open(ADDRESS, value).await.unwrap();
    }
    assert!(it.tables.requests() > reads);
}

#[tokio::test]
async fn without_randomness_nothing_is_sealed() {
    struct Exhausted;
    impl SecretRandom for Exhausted {
        fn fill(&self, _: &mut [u8]) -> Result<(), NoRandomness> {
            Err(NoRandomness)
        }
    }
    let it = fixture();
    it.sealed_address().await;
    let sealer = sealer_on(&it.tables).with_randomness(Arc::new(Exhausted));
    for subject in [&it.subject, &subject("cus_8")] {
        let refused = sealer.seal(subject, ADDRESS, &address()).await;
        assert!(matches!(refused, Err(SealError::Randomness(_))), "{refused:?}");
    }
    assert_eq!(it.tables.count("subject-keys"), 1);
}

#[tokio::test]
async fn a_simulation_can_be_repeated_and_the_system_repeats_nothing() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let it = fixture();
        let sealer = sealer_on(&it.tables).with_randomness(Arc::new(SeededSecrets::new(42)));
        let sealed = sealer.seal(&it.subject, ADDRESS, &address()).await.unwrap();
        seen.push((it.stored()["key"].clone(), text_of(&sealed, "nonce")));
    }
    assert_eq!(seen[0], seen[1]);

    let (mut one, mut other) = ([0; 32], [0; 32]);
    SystemSecrets::default().fill(&mut one).unwrap();
    SystemSecrets::default().fill(&mut other).unwrap();
    assert_ne!(one, other);
}

#[test]
fn a_subject_is_a_bounded_text_without_control_characters() {
    for text in [String::new(), "a\nb".to_owned(), "x".repeat(1_025)] {
        assert!(Subject::new(text).is_err());
    }
    assert!(Subject::new("x".repeat(1_024)).is_ok());
    assert!(serde_json::from_value::<Subject>(json!("")).is_err());
}

// ------------------------------------------------------------ within an event

#[tokio::test]
async fn a_value_opens_in_its_own_event_only() {
    let fixture = fixture();
    let (sealer, subject) = (&fixture.sealer, &fixture.subject);
    let sealed = sealer
        .seal_within(subject, ADDRESS, "event-1", &address())
        .await
        .unwrap();
    let opened = sealer.open_within(ADDRESS, "event-1", &sealed).await.unwrap();
    assert_eq!(opened, Opened::Known(address()));
    let elsewhere = sealer.open_within(ADDRESS, "event-2", &sealed).await;
    assert!(matches!(elsewhere, Err(SealError::Tampered { .. })), "{elsewhere:?}");
    let anywhere = sealer.open(ADDRESS, &sealed).await;
    assert!(matches!(anywhere, Err(SealError::Tampered { .. })), "{anywhere:?}");
    // Nor does one that may stand anywhere pass for one of an event, whatever it says of itself.
    let loose = fixture.sealed_address().await;
    let mut json = serde_json::to_value(&loose).unwrap();
    for algorithm in ["A256GCM-1", "A256GCM-2"] {
        json["algorithm"] = algorithm.into();
        let loose: Sealed<Address> = serde_json::from_value(json.clone()).unwrap();
        let within = sealer.open_within(ADDRESS, "event-1", &loose).await;
        assert!(matches!(within, Err(SealError::Tampered { .. })), "{within:?}");
    }
    assert_eq!(
        fixture.open(&loose).await.unwrap(),
        Opened::Known(address()),
        "values of before stay readable"
    );
}

// ------------------------------------------------------------ wrapped keys

/// Wraps by adding who it is for, and is out of reach when it is told to.
#[derive(Default)]
struct Wax {
    is_away: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl KeyWrap for Wax {
    async fn wrap(&self, subject: &Subject, key_id: &str, secret: &[u8]) -> Result<Vec<u8>, WrapError> {
        let flipped = secret.iter().map(|byte| !byte);
        Ok(format!("{subject}/{key_id}/")
            .into_bytes()
            .into_iter()
            .chain(flipped)
            .collect())
    }

    async fn unwrap(&self, subject: &Subject, key_id: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, WrapError> {
        if self.is_away.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(WrapError::Unavailable("away".into()));
        }
        let secret = wrapped.strip_prefix(format!("{subject}/{key_id}/").as_bytes());
        let secret = secret.ok_or_else(|| WrapError::Refused("of another".into()))?;
        Ok(Zeroizing::new(secret.iter().map(|byte| !byte).collect()))
    }
}

#[tokio::test]
async fn a_wrapped_key_is_of_use_only_to_those_who_may_unwrap_it() {
    let plain = fixture();
    let wax = Arc::new(Wax::default());
    let wrapping = sealer_on(&plain.tables).wrapping_keys_with(wax.clone());
    let sealed = wrapping
        .seal_within(&plain.subject, ADDRESS, "event-1", &address())
        .await
        .unwrap();
    let row = plain.stored();
    assert!(row.contains_key("wrappedKey") && !row.contains_key("key"), "{row:?}");
    let opened = wrapping.open_within(ADDRESS, "event-1", &sealed).await.unwrap();
    assert_eq!(opened, Opened::Known(address()));
    let without = plain.sealer.open_within(ADDRESS, "event-1", &sealed).await;
    assert!(matches!(without, Err(SealError::CorruptKey { .. })), "{without:?}");
    wax.is_away.store(true, std::sync::atomic::Ordering::Relaxed);
    let away = wrapping.open_within(ADDRESS, "event-1", &sealed).await.unwrap_err();
    assert!(away.is_transient(), "{away}");
    // Forgetting needs nobody's leave.
    assert!(matches!(
        plain.sealer.state(&plain.subject).await.unwrap(),
        SubjectState::Known { .. }
    ));
    plain.sealer.forget(&plain.subject).await.unwrap();
    assert!(!plain.stored().contains_key("wrappedKey"));
    let forgotten = wrapping.open_within(ADDRESS, "event-1", &sealed).await.unwrap();
    assert!(matches!(forgotten, Opened::Forgotten { .. }));
}

#[tokio::test]
async fn keys_that_were_made_before_wrapping_stay_usable() {
    let fixture = fixture();
    let sealed = fixture.sealed_address().await;
    let wrapping = sealer_on(&fixture.tables).wrapping_keys_with(Arc::new(Wax::default()));
    assert_eq!(wrapping.open(ADDRESS, &sealed).await.unwrap(), Opened::Known(address()));
}
