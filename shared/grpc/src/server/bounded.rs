//! Answers that end when something else says so.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName};
use http_body::{Frame, SizeHint};
use tonic::Status;

pub(super) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// A body that ends with a status in its trailers when `end` is done before it, and that keeps something as long as it lives.
pub(super) struct Bounded<K> {
    pub(super) inner: Body,
    pub(super) end: BoxFuture<'static, Status>,
    pub(super) _kept: K,
    /// Whether what the body has is passed on first: a stream that always has something would never end by itself.
    finishes: bool,
    has_ended: bool,
}

impl<K: Send + Unpin + 'static> Bounded<K> {
    pub(super) fn body(inner: Body, end: BoxFuture<'static, Status>, kept: K) -> Body {
        Self::until(inner, end, kept, false)
    }

    /// The same, but what the body has when `end` is done is still passed on.
    pub(super) fn finishing(inner: Body, end: BoxFuture<'static, Status>, kept: K) -> Body {
        Self::until(inner, end, kept, true)
    }

    fn until(inner: Body, end: BoxFuture<'static, Status>, kept: K, finishes: bool) -> Body {
        Body::new(Self {
            finishes,
            inner,
            end,
            _kept: kept,
            has_ended: false,
        })
    }
}

impl<K: Unpin> http_body::Body for Bounded<K> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        if self.finishes
            && let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context)
        {
            return Poll::Ready(frame);
        }
        if let Poll::Ready(status) = self.end.as_mut().poll(context) {
            self.has_ended = true;
            // What works on the answer ends with it.
            self.inner = Body::empty();
            return Poll::Ready(Some(Ok(Frame::trailers(trailers_of(&status)))));
        }
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

fn trailers_of(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        // Only a message that fits into no header fails; the code does.
        trailers.insert(GRPC_STATUS, http::HeaderValue::from(i32::from(status.code())));
    }
    trailers
}
