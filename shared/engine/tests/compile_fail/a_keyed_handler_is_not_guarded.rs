//! A handler for systems that honour keys has no lease to guard a call with.
#![allow(unused_imports, unreachable_code)]
use onecommit_engine::*;
use onecommit_event::{Event, Payload};

#[derive(serde::Serialize, serde::Deserialize)]
struct Shipped {}
impl Payload for Shipped {
    const EVENT_TYPE: &'static str = "Shipped";
}

async fn handler(_: Event<Shipped>, _: IdempotencyKeys) -> Result<Commit, Failure> {
    Ok(Commit::nothing())
}

fn main() {
    let _ = Consumer::named("c").guarded::<Shipped, _>(handler);
}
