//! In which trace, and under which correlation, an event is caused.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;

use onecommit_environment::{Environment, TraceContext, Tracer, correlation};
use onecommit_event::{Aggregate, Event, Metadata, NewEvent, Payload};
use serde::{Deserialize, Serialize};

const OF_CAUSE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const CURRENT: &str = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";

#[derive(Serialize, Deserialize)]
struct Happened {}

impl Payload for Happened {
    const EVENT_TYPE: &'static str = "Happened";
}

/// Is in one span, or in none.
struct At(Option<TraceContext>);

impl Tracer for At {
    fn current(&self) -> Option<TraceContext> {
        self.0.clone()
    }
    fn set_parent(&self, _span: &tracing::Span, _parent: &TraceContext) {}
    fn link(&self, _span: &tracing::Span, _to: &TraceContext) {}
    fn read_xray(&self, _header: &str) -> Option<TraceContext> {
        None
    }
    fn write_xray(&self, _place: &TraceContext) -> Option<String> {
        None
    }
    fn write(&self) {}
}

fn aggregate() -> Aggregate {
    Aggregate::new("Thing", "t-1").unwrap()
}

fn cause() -> Event<Happened> {
    let metadata = Metadata {
        traceparent: Some(OF_CAUSE.to_owned()),
        tracestate: Some("vendor=1".to_owned()),
        ..Metadata::starting("c-1")
    };
    Event::new(aggregate(), Happened {}, &Environment::system()).with_metadata(metadata)
}

fn trace_of(metadata: &Metadata) -> (Option<&str>, Option<&str>) {
    (metadata.traceparent.as_deref(), metadata.tracestate.as_deref())
}

#[test]
fn the_trace_of_the_cause_is_passed_on_while_traces_are_off() {
    let environment = Environment::system();
    let caused = Event::caused_by(&cause(), aggregate(), Happened {}, &environment);
    assert_eq!(trace_of(caused.metadata()), (Some(OF_CAUSE), Some("vendor=1")));
    let started = Event::new(aggregate(), Happened {}, &environment);
    assert_eq!(trace_of(started.metadata()), (None, None));
}

#[test]
fn the_current_span_causes_what_happens_in_it() {
    let environment = Environment::system().with_tracer(Arc::new(At(TraceContext::read(CURRENT, None))));
    let caused = Event::caused_by(&cause(), aggregate(), Happened {}, &environment);
    assert_eq!(trace_of(caused.metadata()), (Some(CURRENT), None));
    let started = Event::new(aggregate(), Happened {}, &environment);
    assert_eq!(trace_of(started.metadata()), (Some(CURRENT), None));
    let new = NewEvent::of(&Happened {}).unwrap();
    let appended = Event::from_new(new, aggregate(), cause().metadata().clone(), &environment).unwrap();
    assert_eq!(trace_of(appended.metadata()), (Some(CURRENT), None));
}

#[test]
fn outside_of_all_spans_the_trace_of_the_cause_is_passed_on() {
    let environment = Environment::system().with_tracer(Arc::new(At(None)));
    let caused = Event::caused_by(&cause(), aggregate(), Happened {}, &environment);
    assert_eq!(trace_of(caused.metadata()), (Some(OF_CAUSE), Some("vendor=1")));
}

#[tokio::test]
async fn what_a_request_starts_carries_its_correlation_id() {
    let environment = Environment::system();
    let started = async { Event::new(aggregate(), Happened {}, &environment) };
    let started = correlation::correlated("request-7".to_owned(), started).await;
    assert_eq!(started.metadata().correlation_id, "request-7");
    assert_eq!(started.metadata().causation_id, started.id().to_string());
}
