//! A pivot whose outcome nobody knows has to be undone.
use onecommit_event::{Event, Payload};
use onecommit_saga::*;

#[derive(serde::Serialize, serde::Deserialize)]
struct Ordered {}
impl Payload for Ordered {
    const EVENT_TYPE: &'static str = "Ordered";
}
impl Starts<()> for Ordered {
    fn start(_: &Event<Self>) -> Option<Start<()>> {
        None
    }
}

fn ask() -> Action<()> {
    Command::of(|_: &()| Ordered {}).unanswered()
}

fn main() {
    let _ = Saga::named("S", 1).started_by::<(), Ordered>().pivot(step("pay", ask()));
}
