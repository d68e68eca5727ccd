//! An atomic handler may not call anyone, so nobody hands it keys for calls.
#![allow(unused_imports, unreachable_code)]
use onecommit_engine::*;
use onecommit_event::{Event, Payload};

#[derive(serde::Serialize, serde::Deserialize)]
struct Shipped {}
impl Payload for Shipped {
    const EVENT_TYPE: &'static str = "Shipped";
}

async fn handler(_: Event<Shipped>, calls: IdempotencyKeys) -> Result<Commit, Failure> {
    let _ = calls.key("charge");
    Ok(Commit::nothing())
}

fn main() {
    let _ = Consumer::named("c").atomic::<Shipped, _>(handler);
}
