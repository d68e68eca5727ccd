use std::sync::Arc;
use std::time::Duration;

use onecommit_engine::{EventLog, Table};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_event::Event;
use onecommit_testing::{MemoryDatabase, SeededSecrets, VirtualClock};
use onecommit_tokens::{
    ApiKey, ApiKeyState, ApiKeyVerifier, ApiKeys, InvalidCredential, NewApiKey, Principal, Refusal, Scopes,
};

pub(super) const OPERATOR: &str = "arn:aws:iam::000000000000:user/ada";

pub(super) struct Fixture {
    pub(super) tables: Arc<MemoryDatabase>,
    pub(super) environment: Environment,
    pub(super) keys: ApiKeys,
    pub(super) verifier: ApiKeyVerifier,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let tables = Arc::new(MemoryDatabase::default());
        let now = Timestamp::parse("2026-11-28T12:00:00.000Z").unwrap();
        let clock = Arc::new(VirtualClock::showing(now));
        let environment = Environment::new(clock, Arc::new(SeededRandom::new(3)));
        Self {
            keys: keys_on(&tables, &environment, 5),
            verifier: verifier_on(&tables, &environment),
            tables,
            environment,
        }
    }

    pub(super) async fn created(&self) -> (ApiKey, ApiKeyState) {
        self.keys.create(new_key()).await.unwrap()
    }

    pub(super) async fn accepted(&self, key: &ApiKey) -> Principal {
        self.verifier.verify(key.expose()).await.unwrap()
    }

    pub(super) async fn refused(&self, text: &str) -> InvalidCredential {
        match self.verifier.verify(text).await {
            Err(Refusal::Invalid(reason)) => reason,
            other => panic!("not refused: {other:?}"),
        }
    }

    pub(super) async fn pass(&self, seconds: u64) {
        self.environment.clock().sleep(Duration::from_secs(seconds)).await;
    }

    /// The types of a key's events, oldest first.
    pub(super) fn events(&self, id: &str) -> Vec<String> {
        let stream = format!("ApiKey#{id}");
        let rows = self.tables.dump().remove("events").unwrap_or_default();
        let events = rows.iter().map(|row| EventLog::event_in(row).unwrap());
        let mut events: Vec<Event> = events.filter(|event| event.aggregate().to_string() == stream).collect();
        events.sort_by_key(|event| event.metadata().sequence);
        events.iter().map(|event| event.event_type().to_owned()).collect()
    }
}

pub(super) fn new_key() -> NewApiKey {
    NewApiKey::new("partner", Scopes::parse("catalog:read orders:write").unwrap(), OPERATOR)
}

pub(super) fn keys_on(tables: &Arc<MemoryDatabase>, environment: &Environment, seed: u64) -> ApiKeys {
    let log = EventLog::new(Table::new("events"));
    ApiKeys::new(tables.clone(), Table::new("keys"), log, environment.clone())
        .with_randomness(Arc::new(SeededSecrets::new(seed)))
}

pub(super) fn verifier_on(tables: &Arc<MemoryDatabase>, environment: &Environment) -> ApiKeyVerifier {
    ApiKeyVerifier::new(tables.clone(), Table::new("keys"), environment.clone())
}
