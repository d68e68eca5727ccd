//! A projection knows the event alone: it is no async function, so it can neither read nor call.
#![allow(unused_imports, unreachable_code)]
use onecommit_engine::*;
use onecommit_event::{Event, Payload};

#[derive(serde::Serialize, serde::Deserialize)]
struct Shipped {}
impl Payload for Shipped {
    const EVENT_TYPE: &'static str = "Shipped";
}

async fn handler(_: &Event<Shipped>) -> Result<SequencedUpdate, Failure> {
    Err(Failure::reject("never"))
}

fn main() {
    let _ = Consumer::named("c").sequenced::<Shipped, _>(handler);
}
