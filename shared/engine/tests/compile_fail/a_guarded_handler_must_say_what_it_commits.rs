//! A guarded call without a commit would be forgotten.
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
    async fn call(&self, _: &Event<Shipped>) -> Result<(), CallError> {
        Ok(())
    }
}

fn main() {
    let _ = Consumer::named("c").guarded::<Shipped, _>(Pickup);
}
