//! A projection changes one row; a commit of several rows is another class.
#![allow(unused_imports, unreachable_code)]
use onecommit_engine::*;
use onecommit_event::{Event, Payload};

#[derive(serde::Serialize, serde::Deserialize)]
struct Shipped {}
impl Payload for Shipped {
    const EVENT_TYPE: &'static str = "Shipped";
}

fn handler(_: &Event<Shipped>) -> Result<Commit, Failure> {
    Ok(Commit::nothing())
}

fn main() {
    let _ = Consumer::named("c").sequenced::<Shipped, _>(handler);
}
