use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use onecommit_environment::{Environment, TRACES, TraceContext, Tracer};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_aws::trace::XrayPropagator;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Span, Subscriber, warn};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::traces::buffer::{Buffer, Gather};
use crate::traces::ids::EnvironmentIds;
use crate::traces::settings::{MessageParent, TraceSettings};

/// The semantic conventions that names of spans and attributes follow.
const SEMANTIC_CONVENTIONS: &str = "https://opentelemetry.io/schemas/1.45.0";
/// The most spans of a line: about 64 KB, while CloudWatch took 256 KB at most for years.
const SPANS_OF_A_LINE: usize = 64;

/// The longest `X-Amzn-Trace-Id` that is read, in bytes.
const XRAY_BYTES_MAX: usize = 512;

/// Where lines of spans are written to.
pub type SpanWriter = Box<dyn Write + Send>;

/// Records spans, and writes them when it is asked to.
pub struct Recorder {
    provider: SdkTracerProvider,
    buffer: Arc<Buffer>,
    resource: ResourceAttributesWithSchema,
    message_parent: MessageParent,
    writer: Mutex<SpanWriter>,
}

impl Recorder {
    /// A recorder that writes to `writer`, with ids from the environment's randomness.
    #[must_use]
    pub fn new(settings: &TraceSettings, environment: &Environment, writer: SpanWriter) -> Arc<Self> {
        let buffer = Arc::new(Buffer::default());
        let resource = resource(settings);
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
                settings.ratio,
            ))))
            .with_id_generator(EnvironmentIds(environment.clone()))
            .with_span_processor(Gather(Arc::clone(&buffer)))
            .with_resource(resource.clone())
            .build();
        Arc::new(Self {
            provider,
            buffer,
            resource: (&resource).into(),
            message_parent: settings.message_parent,
            writer: Mutex::new(writer),
        })
    }

    /// The layer of a subscriber that hands it the spans and events of the target [`TRACES`], and no others: what code logs may
    /// hold more than may be in traces.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + 'static
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let scope = InstrumentationScope::builder("onecommit").with_version(env!("CARGO_PKG_VERSION"));
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer_with_scope(scope.build()))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(TRACES, LevelFilter::INFO))
    }
}

impl Tracer for Recorder {
    fn current(&self) -> Option<TraceContext> {
        let current = Context::current();
        has_span(&current).then(|| carried(&current)).flatten()
    }

    fn set_parent(&self, span: &Span, parent: &TraceContext) {
        // One that has been entered keeps its parent, as the port says.
        let _ =
            span.set_parent(TraceContextPropagator::new().extract_with_context(&Context::new(), &Carrier::of(parent)));
    }

    fn link(&self, span: &Span, to: &TraceContext) {
        let to = TraceContextPropagator::new().extract_with_context(&Context::new(), &Carrier::of(to));
        span.add_link(to.span().span_context().clone());
    }

    fn place(&self, span: &Span, cause: &TraceContext) {
        let batch = self.current();
        match (self.message_parent, batch) {
            (MessageParent::Invocation, Some(_)) => self.link(span, cause),
            (_, batch) => {
                self.set_parent(span, cause);
                if let Some(batch) = batch {
                    self.link(span, &batch);
                }
            }
        }
    }

    fn read_xray(&self, header: &str) -> Option<TraceContext> {
        // A header that is long is not one.
        let header = (header.len() <= XRAY_BYTES_MAX && header.is_ascii()).then_some(header)?;
        let header = XrayHeader(header.to_owned());
        carried(&XrayPropagator::new().extract_with_context(&Context::new(), &header))
    }

    fn write_xray(&self, place: &TraceContext) -> Option<String> {
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &Carrier::of(place));
        let mut header = XrayHeader::default();
        XrayPropagator::new().inject_context(&context, &mut header);
        (!header.0.is_empty()).then_some(header.0)
    }

    fn write(&self) {
        let ended = self.buffer.take();
        if ended.lost > 0 {
            warn!(
                spans = ended.lost,
                "spans were lost: more ended than are kept until they are written"
            );
        }
        let mut spans = ended.spans.into_iter().peekable();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        while spans.peek().is_some() {
            let of_line = spans.by_ref().take(SPANS_OF_A_LINE).collect();
            let resource_spans = group_spans_by_resource_and_scope(of_line, &self.resource);
            if let Ok(mut line) = serde_json::to_vec(&TracesData { resource_spans }) {
                line.push(b'\n');
                // Whoever closed the output wants no spans.
                let _ = writer.write_all(&line).and_then(|()| writer.flush());
            }
        }
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Recorder").finish_non_exhaustive()
    }
}

fn resource(settings: &TraceSettings) -> Resource {
    let mut attributes = vec![KeyValue::new("service.name", settings.service.clone())];
    if let Some(function) = &settings.function {
        attributes.push(KeyValue::new("cloud.provider", "aws"));
        attributes.push(KeyValue::new("cloud.platform", "aws_lambda"));
        attributes.push(KeyValue::new("faas.name", function.clone()));
    }
    Resource::builder_empty()
        .with_schema_url(attributes, SEMANTIC_CONVENTIONS)
        .build()
}

fn has_span(context: &Context) -> bool {
    context.span().span_context().is_valid()
}

/// The context as it travels.
fn carried(context: &Context) -> Option<TraceContext> {
    let mut carrier = Carrier::default();
    TraceContextPropagator::new().inject_context(context, &mut carrier);
    TraceContext::read(&carrier.parent, Some(&carrier.state))
}

/// The two headers of a trace context.
#[derive(Default)]
struct Carrier {
    parent: String,
    state: String,
}

impl Carrier {
    fn of(context: &TraceContext) -> Self {
        Self {
            parent: context.traceparent().to_owned(),
            state: context.tracestate().unwrap_or_default().to_owned(),
        }
    }
}

impl Extractor for Carrier {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => Some(&self.parent),
            "tracestate" => Some(&self.state),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

impl Injector for Carrier {
    fn set(&mut self, key: &str, value: String) {
        match key {
            "traceparent" => self.parent = value,
            "tracestate" => self.state = value,
            _ => {}
        }
    }
}

/// The header of X-Ray.
#[derive(Default)]
struct XrayHeader(String);

impl Extractor for XrayHeader {
    fn get(&self, key: &str) -> Option<&str> {
        key.eq_ignore_ascii_case("x-amzn-trace-id").then_some(&self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["x-amzn-trace-id"]
    }
}

impl Injector for XrayHeader {
    fn set(&mut self, key: &str, value: String) {
        if key.eq_ignore_ascii_case("x-amzn-trace-id") {
            self.0 = value;
        }
    }
}
