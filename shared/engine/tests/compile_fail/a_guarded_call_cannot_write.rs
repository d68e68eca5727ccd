//! A guarded call answers; what it changes is said by its commit, which the lease guards.
#![allow(unused_imports, unreachable_code)]
use onecommit_engine::*;
use onecommit_event::{Event, Payload};

#[derive(serde::Serialize, serde::Deserialize)]
struct Shipped {}
impl Payload for Shipped {
    const EVENT_TYPE: &'static str = "Shipped";
}

struct Pickup;
impl Guarded<Shipped> for Pickup {
    type Answer = ();
    async fn call(&self, _: &Event<Shipped>) -> Result<Commit, CallError> {
        Ok(Commit::nothing())
    }
    async fn commit(&self, _: &Event<Shipped>, _: &()) -> Result<Commit, Failure> {
        Ok(Commit::nothing())
    }
}

fn main() {
    let _ = Consumer::named("c").guarded::<Shipped, _>(Pickup);
}
