//! Producers outside: one who is honest, and one who is not.

use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{Key, Table, TableReader};
use onecommit_event::Event;
use onecommit_event::claim_check::{ClaimCheck, PayloadStore, StoreError};
use onecommit_lambda::{Admission, PublisherApi};
use onecommit_publish::Publisher;
use onecommit_simulation::Process;

use super::attacks::{Attack, Known, Way};
use super::scenario::{BUCKET, GENUINE, GUESTBOOK, GUESTS, OUTSIDE};

const UNTIL_NEXT_TRY: Duration = Duration::from_secs(1);

/// What the honest one sends: the event, or what is left of it when its payload waits in the bucket; and a copy.
pub(super) async fn honest(process: Process, entries: Vec<Event>, heavy: Event) {
    let bucket = process.bucket(BUCKET);
    let light = loop {
        match ClaimCheck::leave(&heavy, &*bucket).await {
            Ok(light) => break light,
            Err(_) => wait(&process).await,
        }
    };
    for event in entries.iter().chain(&entries[..1]).chain([&light]) {
        send(&process, event).await;
    }
}

/// Tries these attacks, in an order that is left to chance; some of them several times then, and others not at all.
pub(super) async fn forger(process: Process, mut known: Known, attacks: &[Attack]) {
    // As it is read from the topic.
    if let Ok(light) = ClaimCheck::leave(&known.claimed, &Nowhere).await {
        known.claimed = light;
    }
    for turn in 0..attacks.len() {
        let attack = &attacks[(turn + process.choose(attacks.len())) % attacks.len()];
        if process.choose(4) > 2 {
            wait(&process).await;
        }
        if attack.is_afterwards {
            until_all_is_known(&process).await;
        }
        carry_out(&process, attack, &known).await;
    }
}

/// A bucket of the same name that keeps nothing.
struct Nowhere;

#[async_trait]
impl PayloadStore for Nowhere {
    fn name(&self) -> &str {
        BUCKET
    }

    async fn put(&self, _: &str, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    async fn get(&self, _: &str, _: u64) -> Result<String, StoreError> {
        Err(StoreError::Gone("it keeps nothing".into()))
    }
}

async fn carry_out(process: &Process, attack: &Attack, known: &Known) {
    let body = (attack.body)(known, attack.name);
    match attack.way {
        Way::Door => {
            let answer = knock(process, &body).await;
            process.note(format!("{answer}: {}", attack.name));
        }
        Way::Topic => {
            if let Ok(event) = Event::from_json(&body) {
                send(process, &event).await;
                process.note(format!("sent: {}", attack.name));
            }
        }
        Way::Queue => {
            swap_payload(process, known).await;
            process.deliver(GUESTBOOK, body);
            process.note(format!("sent: {}", attack.name));
        }
    }
}

/// What the publisher says: why it refuses the event, or that it sent it.
async fn knock(process: &Process, body: &str) -> String {
    let admission = Admission::of_types("Signed").unwrap_or_default();
    let publisher = Publisher::new(vec![process.topic(OUTSIDE)], process.environment());
    let door = PublisherApi::new(admission, publisher, process.environment());
    loop {
        let answer = door.invoke(body).await;
        let report = &answer["results"][0];
        match (report["status"].as_str(), report["reason"].as_str()) {
            (Some("published"), _) => return "sent".to_owned(),
            (Some("rejected"), Some(reason)) => return format!("refused {reason}"),
            (Some("failed"), _) => wait(process).await,
            _ => return format!("answered {answer}"),
        }
    }
}

/// Puts something else where a genuine payload waits.
async fn swap_payload(process: &Process, known: &Known) {
    let check = known
        .claimed
        .unknown_fields()
        .get("claimCheck")
        .map(ToString::to_string);
    let check: Option<ClaimCheck> = check.and_then(|text| serde_json::from_str(&text).ok());
    // Where there is something, nothing is put; and where there is nothing yet, it is not swapped.
    let bucket = process.bucket(BUCKET);
    if let Some(check) = check
        && bucket.get(&check.key, check.bytes).await.is_ok()
    {
        let _ = bucket.put(&check.key, r#"{"words":"swapped"}"#).await;
    }
}

/// Waits until the genuine events have been handled, as whoever reads what came of them does.
async fn until_all_is_known(process: &Process) {
    for (_, words) in GENUINE {
        let key = Key::new("pk", words);
        loop {
            match process.tables().get(&Table::new(GUESTS), &key).await {
                Ok(Some(_)) => break,
                _ => wait(process).await,
            }
        }
    }
}

async fn send(process: &Process, event: &Event) {
    while process.publish(OUTSIDE, event.clone()).await.is_err() {
        wait(process).await;
    }
}

async fn wait(process: &Process) {
    process.environment().clock().sleep(UNTIL_NEXT_TRY).await;
}
