//! A projection knows the event alone: it is no async function, so it can neither read nor call.
#![allow(unused_imports, unreachable_code)]
use onecommit_commit::*;
use onecommit_event::{Event, Payload};

#[derive(serde::Serialize, serde::Deserialize)]
struct Shipped {}
impl Payload for Shipped {
    const EVENT_TYPE: &'static str = "Shipped";
}

async fn handler(_: &Event<Shipped>) -> Result<View, Failure> {
    Err(Failure::reject("never"))
}

fn main() {
    let _ = Consumer::named("c").projection::<Shipped, _>(handler);
}
