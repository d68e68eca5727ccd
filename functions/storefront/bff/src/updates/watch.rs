use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::response::sse::Event;
use futures_util::Stream;
use futures_util::stream::unfold;
use onecommit_client::CallContext;
use onecommit_environment::Environment;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::cursor::Cursor;
use crate::services::{Order, Orders};
use crate::shown::Shown;

/// How answers leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// As they are written: a stream stays open.
    Streaming,
    /// In one piece, once they are complete: a stream ends after its first event, and is a long poll.
    Buffered,
}

/// After so long a long poll is answered without an event. API Gateway gives up after 29 s.
const LONG_POLL: Duration = Duration::from_secs(20);
/// After so long a stream ends, and is opened again: by then a deployment may have replaced this process.
const STREAM: Duration = Duration::from_secs(15 * 60);
/// A proxy closes a connection on which nothing comes for a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The wait after which a client comes back.
const RETRY: Duration = Duration::from_secs(1);

/// What watching orders is limited by in this process.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(crate) door: Door,
    /// How often an order is read.
    pub(crate) every: Duration,
    places: Arc<Semaphore>,
    /// Ends all streams: the process ends.
    pub(crate) ending: CancellationToken,
}

/// An order that somebody watches, and who has been found to be its owner.
pub(crate) struct Watched {
    pub(crate) orders: Orders,
    pub(crate) order: Order,
    pub(crate) seen: Option<Cursor>,
    pub(crate) context: CallContext,
    /// How long the watcher's session is still valid.
    pub(crate) valid_for: Duration,
}

impl Watch {
    pub(crate) fn new(door: Door, every: Duration, most: usize) -> Self {
        Self {
            door,
            every,
            places: Arc::new(Semaphore::new(most)),
            ending: CancellationToken::new(),
        }
    }

    /// The changes of an order from what was seen on, as they happen; nothing when too many are watched already.
    pub(crate) fn changes(
        &self,
        watched: Watched,
        environment: &Environment,
    ) -> Option<impl Stream<Item = Result<Event, Infallible>> + Send + use<>> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let limit = match self.door {
            Door::Streaming => STREAM,
            Door::Buffered => LONG_POLL,
        };
        let now = environment.clock().instant();
        let watching = Watching {
            order_id: watched.order.order_id.clone(),
            now: Some(watched.order),
            seen: watched.seen,
            orders: watched.orders,
            context: watched.context,
            ends_at: now + limit.min(watched.valid_for),
            wrote_at: now,
            has_greeted: false,
            has_ended: false,
            watch: self.clone(),
            environment: environment.clone(),
            _place: place,
        };
        Some(unfold(watching, |mut watching| async move {
            let event = watching.next().await?;
            Some((Ok(event), watching))
        }))
    }
}

/// Whether nothing happens to an order any more.
pub(crate) fn is_final(order: &Order) -> bool {
    matches!(order.status.as_str(), "cancelled" | "refused" | "delivered")
}

struct Watching {
    /// What was read last and not compared yet.
    now: Option<Order>,
    order_id: String,
    seen: Option<Cursor>,
    orders: Orders,
    context: CallContext,
    ends_at: Instant,
    wrote_at: Instant,
    has_greeted: bool,
    has_ended: bool,
    watch: Watch,
    environment: Environment,
    _place: OwnedSemaphorePermit,
}

impl Watching {
    /// The next thing to write; nothing at the end.
    async fn next(&mut self) -> Option<Event> {
        if !self.has_greeted {
            self.has_greeted = true;
            return Some(Event::default().retry(RETRY));
        }
        while !self.has_ended {
            if let Some(order) = self.now.take() {
                let cursor = Cursor::of(&order);
                self.has_ended = is_final(&order);
                if self.seen.as_ref() != Some(&cursor) {
                    self.has_ended |= self.watch.door == Door::Buffered;
                    return Some(self.changed(cursor, &order));
                }
            }
            if !self.has_ended
                && let Some(heartbeat) = self.wait().await
            {
                return Some(heartbeat);
            }
        }
        None
    }

    fn changed(&mut self, cursor: Cursor, order: &Order) -> Event {
        self.wrote_at = self.environment.clock().instant();
        let id = cursor.to_string();
        self.seen = Some(cursor);
        // An order is JSON, whatever it holds.
        let event = Event::default().id(id).json_data(Shown::from(order));
        event.unwrap_or_else(|_| Event::default().comment("unreadable"))
    }

    /// Waits, and reads the order again; a heartbeat, when one is due.
    async fn wait(&mut self) -> Option<Event> {
        let clock = self.environment.clock();
        let left = self.ends_at.saturating_duration_since(clock.instant());
        if left.is_zero() {
            self.has_ended = true;
            return None;
        }
        let wait = self.watch.every.min(left);
        // Nothing is written any more once the process ends.
        let ending = self.watch.ending.clone();
        if self.environment.within(wait, ending.cancelled()).await.is_some() {
            self.has_ended = true;
            return None;
        }
        if self.watch.door == Door::Streaming && clock.instant().duration_since(self.wrote_at) >= HEARTBEAT {
            self.wrote_at = clock.instant();
            return Some(Event::default().comment(""));
        }
        match self.orders.order(&self.order_id, &self.context).await {
            Ok(Some(order)) => self.now = Some(order),
            Ok(None) => self.has_ended = true,
            Err(error) => debug!(error = %error, "a watched order could not be read; it is read again"),
        }
        None
    }
}
