//! The aggregates whose state can be shown.

use std::collections::BTreeMap;
use std::pin::Pin;

use onecommit_environment::Timestamp;
use onecommit_event::Aggregate;
use onecommit_event_store::{Decider, EventStore, Loaded};
use serde::Serialize;
use serde_json::Value;

use crate::process::Failure;

/// The moment at which a state is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    Now,
    Version(u64),
    Time(Timestamp),
}

/// Nothing here knows what the events of such an aggregate mean.
#[derive(Debug, thiserror::Error)]
#[error(
    "this program cannot compute the state of {kind}: it knows {}; `events show` prints its events",
    in_words(known)
)]
struct UnknownAggregate {
    kind: String,
    known: Vec<&'static str>,
}

fn in_words(known: &[&str]) -> String {
    if known.is_empty() {
        return "no aggregate".to_owned();
    }
    format!("only {}", known.join(", "))
}

type Loading<'a> = Pin<Box<dyn Future<Output = Result<Loaded<Value>, Failure>> + 'a>>;
type Load = for<'a> fn(&'a EventStore, &'a Aggregate, Moment) -> Loading<'a>;

/// Aggregates by their types on the wire, each with what computes its state.
#[derive(Clone, Default)]
pub(crate) struct KnownAggregates(BTreeMap<&'static str, Load>);

impl KnownAggregates {
    pub(crate) fn add<D: Decider + 'static>(&mut self)
    where
        D::State: Serialize,
    {
        self.0.insert(D::AGGREGATE_TYPE, |store, stream, moment| {
            Box::pin(load::<D>(store, stream, moment))
        });
    }

    /// An aggregate's state at a moment, as JSON.
    pub(crate) async fn load(
        &self,
        store: &EventStore,
        stream: &Aggregate,
        moment: Moment,
    ) -> Result<Loaded<Value>, Failure> {
        let Some(load) = self.0.get(stream.kind()) else {
            return Err(UnknownAggregate {
                kind: stream.kind().to_owned(),
                known: self.0.keys().copied().collect(),
            }
            .into());
        };
        load(store, stream, moment).await
    }
}

async fn load<D: Decider>(store: &EventStore, stream: &Aggregate, moment: Moment) -> Result<Loaded<Value>, Failure>
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
