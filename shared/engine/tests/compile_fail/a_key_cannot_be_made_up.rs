//! Only the engine makes idempotency keys, so that every run of a handler has the same.
#![allow(unused_imports, unreachable_code)]
use onecommit_engine::*;
use onecommit_event::{Event, Payload};

#[derive(serde::Serialize, serde::Deserialize)]
struct Shipped {}
impl Payload for Shipped {
    const EVENT_TYPE: &'static str = "Shipped";
}



fn main() {
    let _ = IdempotencyKey("my-own".to_owned());
}
