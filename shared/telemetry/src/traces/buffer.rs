use std::mem::take;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

/// The most spans that wait to be written, some MB: a process that writes none loses the newest.
const SPANS_MAX: usize = 4_096;

/// The spans that have ended and are not written.
#[derive(Debug, Default)]
pub(super) struct Buffer(Mutex<Ended>);

#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) spans: Vec<SpanData>,
    /// How many found no place.
    pub(super) lost: u64,
}

impl Buffer {
    /// What has ended since the last call.
    pub(super) fn take(&self) -> Ended {
        take(&mut *self.ended())
    }

    fn ended(&self) -> MutexGuard<'_, Ended> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gathers what ends in a buffer. Nothing here waits.
#[derive(Debug)]
pub(super) struct Gather(pub(super) std::sync::Arc<Buffer>);

impl SpanProcessor for Gather {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        let mut ended = self.0.ended();
        if ended.spans.len() < SPANS_MAX {
            ended.spans.push(span);
        } else {
            ended.lost += 1;
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}
