//! One invocation, as traces show it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use lambda_runtime::Context;
use onecommit_environment::{Environment, TRACES, TraceContext};
use tracing::{Instrument, Span, info_span};

/// What an invocation is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trigger {
    /// Messages or records.
    Messages,
    /// A schedule.
    Schedule,
    /// A caller that waits for the answer.
    Caller,
}

impl Trigger {
    fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "pubsub",
            Self::Schedule => "timer",
            Self::Caller => "other",
        }
    }
}

/// What an invocation does last, before its answer: the function is frozen after it.
#[derive(Clone)]
pub struct Last(Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>);

impl Last {
    /// Nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self::of(|| std::future::ready(()))
    }

    /// Awaits what this makes, at the end of each invocation. The caller waits as well: it has to bound its time itself.
    #[must_use]
    pub fn of<F>(work: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(work())))
    }

    pub(crate) async fn done(&self) {
        (self.0)().await;
    }
}

impl std::fmt::Debug for Last {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Last").finish_non_exhaustive()
    }
}

/// What Lambda says of an invocation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Invoked {
    id: String,
    xray: Option<String>,
}

impl Invoked {
    pub(crate) fn by(context: &Context) -> Self {
        Self {
            id: context.request_id.clone(),
            xray: context.xray_trace_id.clone(),
        }
    }
}

/// Does an invocation's work in a span of its own, and writes down all spans before the answer: the function is frozen after
/// it. Where traces are off, it only does the work.
pub(crate) async fn in_span<T>(
    environment: &Environment,
    invoked: &Invoked,
    trigger: Trigger,
    work: impl Future<Output = T>,
) -> T {
    written(environment, work.instrument(span(environment, invoked, trigger))).await
}

/// Does work that makes spans of its own, and writes them down before the answer.
pub(crate) async fn written<T>(environment: &Environment, work: impl Future<Output = T>) -> T {
    let answer = work.await;
    if let Some(tracer) = environment.tracer() {
        tracer.write();
    }
    answer
}

fn span(environment: &Environment, invoked: &Invoked, trigger: Trigger) -> Span {
    let span = info_span!(
        target: TRACES,
        "invoke",
        otel.kind = "server",
        otel.name = format!("invoke ({})", trigger.as_str()),
        faas.trigger = trigger.as_str(),
        faas.invocation_id = invoked.id,
    );
    // Where X-Ray is off, Lambda's header says that nothing is recorded, which is not meant for these traces.
    let xray = || environment.tracer()?.read_xray(invoked.xray.as_deref()?);
    if !span.is_disabled()
        && let Some(parent) = xray().filter(TraceContext::is_sampled)
        && let Some(tracer) = environment.tracer()
    {
        tracer.set_parent(&span, &parent);
    }
    span
}
