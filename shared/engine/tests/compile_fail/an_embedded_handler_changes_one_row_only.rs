//! An embedded handler changes the row that it was given; a commit of several rows is another class.
#![allow(unused_imports, unreachable_code)]
use onecommit_engine::*;
use onecommit_event::{Event, Payload};

#[derive(serde::Serialize, serde::Deserialize)]
struct Shipped {}
impl Payload for Shipped {
    const EVENT_TYPE: &'static str = "Shipped";
}

fn row(_: &Event<Shipped>) -> Row {
    Table::new("views").row(Key::new("pk", "a"))
}

async fn handler(_: Event<Shipped>, _: RowUpdate) -> Result<Commit, Failure> {
    Ok(Commit::nothing())
}

fn main() {
    let _ = Consumer::named("c").embedded::<Shipped, _, _>(row, handler);
}
