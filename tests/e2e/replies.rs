//! What is published, as somebody who sent a command waits for it.

use std::cell::RefCell;

use onecommit_event::Event;

use crate::aws::Aws;
use crate::patience::eventually_some;

/// All that is published from now on, in a queue of a case's own.
pub(crate) struct Replies<'a> {
    aws: &'a Aws,
    queue_url: String,
    seen: RefCell<Vec<Event>>,
}

impl<'a> Replies<'a> {
    pub(crate) async fn from_now_on(aws: &'a Aws) -> Self {
        Self {
            aws,
            queue_url: aws.queue_behind_fifo_topic().await,
            seen: RefCell::default(),
        }
    }

    /// This event, once it is published.
    pub(crate) async fn event(&self, event: &Event) {
        let awaited = format!("{} {} to be published", event.event_type(), event.id());
        self.first(&awaited, |seen| seen.id() == event.id()).await;
    }

    /// The first event that names `cause` as its cause.
    pub(crate) async fn to(&self, cause: &Event) -> Event {
        let id = cause.id().to_string();
        let awaited = format!("the reply to {} {id}", cause.event_type());
        self.first(&awaited, |event| event.metadata().causation_id == id).await
    }

    /// The first event that is as wanted. It is not found a second time; what was passed over for it may be.
    pub(crate) async fn first(&self, awaited: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        let look = async || {
            let bodies = self.aws.take_some(&self.queue_url).await;
            let mut seen = self.seen.borrow_mut();
            seen.extend(bodies.iter().filter_map(|body| Event::from_json(body).ok()));
            let place = seen.iter().position(&wanted)?;
            Some(seen.remove(place))
        };
        eventually_some(awaited, look).await
    }
}
