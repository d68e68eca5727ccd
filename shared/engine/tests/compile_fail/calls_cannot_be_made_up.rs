//! Only the engine hands out calls.
#![allow(unused_imports, unreachable_code)]
use onecommit_engine::*;
use onecommit_event::{Event, Payload};

#[derive(serde::Serialize, serde::Deserialize)]
struct Shipped {}
impl Payload for Shipped {
    const EVENT_TYPE: &'static str = "Shipped";
}



fn main() {
    let _ = IdempotencyKeys { consumer: "c".into(), event_id: todo!() };
}
