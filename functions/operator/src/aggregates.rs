//! The aggregates whose state can be shown. A new one is a new line in [`load`] and in [`KNOWN`].

use onecommit_environment::Timestamp;
use onecommit_event::Aggregate;
use onecommit_event_store::{Decider, EventStore, Loaded};
use serde::Serialize;
use serde_json::Value;
use storefront_orders::Order;

use crate::process::Failure;

const KNOWN: &[&str] = &[Order::AGGREGATE_TYPE];

/// When.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    Now,
    Version(u64),
    Time(Timestamp),
}

/// Nothing here knows what the events of such an aggregate mean.
#[derive(Debug, thiserror::Error)]
#[error("this program cannot compute the state of {kind}, only that of {}; `events show` prints its events", KNOWN.join(", "))]
struct UnknownAggregate {
    kind: String,
}

/// An aggregate's state at a moment, as JSON.
pub(crate) async fn load(store: &EventStore, stream: &Aggregate, moment: Moment) -> Result<Loaded<Value>, Failure> {
    match stream.kind() {
        Order::AGGREGATE_TYPE => load_as::<Order>(store, stream, moment).await,
        kind => Err(UnknownAggregate { kind: kind.to_owned() }.into()),
    }
}

async fn load_as<D: Decider>(store: &EventStore, stream: &Aggregate, moment: Moment) -> Result<Loaded<Value>, Failure>
where
    D::State: Serialize,
{
    let loaded = match moment {
        Moment::Now => store.load::<D>(stream).await?,
        Moment::Version(version) => store.load_at_version::<D>(stream, version).await?,
        Moment::Time(time) => store.load_at_time::<D>(stream, time).await?,
    };
    Ok(Loaded {
        state: serde_json::to_value(&loaded.state)?,
        version: loaded.version,
    })
}
