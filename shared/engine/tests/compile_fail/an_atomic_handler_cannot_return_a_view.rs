//! A view is gated by the sequence; an atomic handler is guarded by the ledger.
#![allow(unused_imports, unreachable_code)]
use onecommit_engine::*;
use onecommit_event::{Event, Payload};

#[derive(serde::Serialize, serde::Deserialize)]
struct Shipped {}
impl Payload for Shipped {
    const EVENT_TYPE: &'static str = "Shipped";
}

async fn handler(event: Event<Shipped>) -> Result<SequencedUpdate, Failure> {
    Ok(SequencedUpdate::last_value(Table::new("t").update(Key::new("pk", event.aggregate().id()))))
}

fn main() {
    let _ = Consumer::named("c").atomic::<Shipped, _>(handler);
}
