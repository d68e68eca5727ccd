use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use futures_util::future::BoxFuture;
use tonic::Streaming;

use super::channel::Noted;
use super::error::{GrpcError, GrpcTrouble};

/// The messages of an answer that is a stream, until its end, its first error or the call's time is over. Dropped, it ends the call
/// at the service, too.
pub struct Messages<T> {
    pub(super) inner: Streaming<T>,
    pub(super) noted: Noted,
    /// Done when the call's time is over, with how long it was.
    pub(super) time: BoxFuture<'static, GrpcTrouble>,
    pub(super) service: Arc<str>,
    pub(super) attempts: u32,
    pub(super) has_ended: bool,
}

impl<T> Messages<T> {
    fn fails(&mut self, trouble: GrpcTrouble) -> Poll<Option<Result<T, GrpcError>>> {
        self.has_ended = true;
        Poll::Ready(Some(Err(GrpcError::new(self.service.clone(), self.attempts, trouble))))
    }
}

impl<T> Stream for Messages<T> {
    type Item = Result<T, GrpcError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(trouble) = self.time.as_mut().poll(context) {
            return self.fails(trouble);
        }
        match ready!(Pin::new(&mut self.inner).poll_next(context)) {
            Some(Ok(message)) => Poll::Ready(Some(Ok(message))),
            Some(Err(status)) => {
                let trouble = self.noted.trouble(&status);
                self.fails(trouble)
            }
            None => {
                self.has_ended = true;
                Poll::Ready(None)
            }
        }
    }
}

impl<T> fmt::Debug for Messages<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Messages")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}
