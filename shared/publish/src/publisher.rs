use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use onecommit_claim_check::{ClaimCheck, PayloadStore, StoreError};
use onecommit_environment::Environment;
use onecommit_event::Event;
use tracing::warn;

use crate::batches;
use crate::destination::{Blame, Destination, Outgoing};
use crate::report::{Delivered, Published};

/// Publishes events to every destination it was given.
pub struct Publisher {
    destinations: Vec<Arc<dyn Destination>>,
    environment: Environment,
    settings: PublishSettings,
    payload_store: Option<Arc<dyn PayloadStore>>,
}

/// How a publisher repeats what failed.
#[derive(Clone, Copy, Debug)]
pub struct PublishSettings {
    /// How many requests may carry one event to one destination. Default: 5.
    pub attempts_max: u32,
    /// The most to wait before the second, doubling with each one more, with full jitter. Default: 50 ms.
    pub first_wait: Duration,
    /// How many requests to one destination run side by side. Default: 4.
    pub concurrency: usize,
}

impl Default for PublishSettings {
    fn default() -> Self {
        Self {
            attempts_max: 5,
            first_wait: Duration::from_millis(50),
            concurrency: 4,
        }
    }
}

impl Publisher {
    /// A publisher to these destinations.
    #[must_use]
    pub fn new(destinations: Vec<Arc<dyn Destination>>, environment: Environment) -> Self {
        Self {
            destinations,
            environment,
            settings: PublishSettings::default(),
            payload_store: None,
        }
    }

    /// With other settings.
    #[must_use]
    pub fn with(mut self, settings: PublishSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Payloads too large for a destination wait in this store, and the event carries a claim check there.
    #[must_use]
    pub fn with_claim_checks(mut self, store: Arc<dyn PayloadStore>) -> Self {
        self.payload_store = Some(store);
        self
    }

    /// Publishes the events to all destinations, side by side, and tells what became of each, in their order.
    ///
    /// It never fails as a whole: an event that a destination did not take says so in its report.
    pub async fn publish(&self, events: Vec<Event>) -> Vec<Published> {
        let outgoing: Vec<Outgoing> = events.into_iter().map(Outgoing::from).collect();
        let light = self.leave_large_payloads(&outgoing).await;
        let mut at_each = join_all(self.destinations.iter().map(|destination| async {
            let destination = &**destination;
            let fitting = |(whole, light): (&'_ Outgoing, &'_ Light)| match light {
                Light::Checked(light) if is_too_large(whole, destination) => light.clone(),
                _ => whole.clone(),
            };
            let fitting: Vec<Outgoing> = outgoing.iter().zip(&light).map(fitting).collect();
            let mut delivered = self.publish_to(destination, &fitting).await;
            explain_what_was_not_left(&mut delivered, &light);
            delivered
        }))
        .await;
        let mut reports: Vec<Published> = outgoing
            .iter()
            .map(|outgoing| Published {
                event_id: outgoing.event.id(),
                destinations: Vec::new(),
            })
            .collect();
        for delivered in &mut at_each {
            for (report, delivered) in reports.iter_mut().zip(delivered.drain(..)) {
                report.destinations.push(delivered);
            }
        }
        reports
    }

    /// Leaves every payload that is too large for some destination in the store, once.
    async fn leave_large_payloads(&self, events: &[Outgoing]) -> Vec<Light> {
        let leave_one = |outgoing: &'_ Outgoing| {
            let too_large = self
                .destinations
                .iter()
                .any(|destination| is_too_large(outgoing, &**destination));
            let event = outgoing.event.clone();
            async move {
                match &self.payload_store {
                    Some(store) if too_large => self.leave(&event, &**store).await,
                    _ => Light::NotNeeded,
                }
            }
        };
        stream::iter(events.iter().map(leave_one))
            .buffered(self.settings.concurrency.max(1))
            .collect()
            .await
    }

    async fn leave(&self, event: &Event, store: &dyn PayloadStore) -> Light {
        let mut round = 1;
        loop {
            match ClaimCheck::leave(event, store).await {
                Ok(event) => return Light::Checked(Outgoing::from(event)),
                Err(StoreError::Transient(_)) if round < self.settings.attempts_max => {}
                Err(error) => {
                    let blame = match error {
                        StoreError::Transient(_) => Blame::Passing,
                        StoreError::Gone(_) => Blame::Destination,
                    };
                    return Light::NotLeft(blame, error.to_string());
                }
            }
            self.environment.clock().sleep(self.wait_after(round)).await;
            round += 1;
        }
    }

    async fn publish_to(&self, destination: &dyn Destination, events: &[Outgoing]) -> Vec<Delivered> {
        let not_yet = Delivered {
            destination: destination.name(),
            attempts: 0,
            message_id: None,
            error: None,
            blame: Some(Blame::Passing),
        };
        let mut delivered = vec![not_yet; events.len()];
        let mut open: Vec<usize> = (0..events.len()).collect();
        let mut alone = HashSet::new();
        let mut round = 1;
        loop {
            open = self
                .send_round(destination, events, &open, &mut alone, &mut delivered)
                .await;
            if open.is_empty() || round >= self.settings.attempts_max {
                break;
            }
            self.environment.clock().sleep(self.wait_after(round)).await;
            round += 1;
        }
        for (event, delivered) in events
            .iter()
            .zip(&delivered)
            .filter(|(_, delivered)| delivered.message_id.is_none())
        {
            let (id, error) = (
                event.event.id(),
                delivered.error.as_deref().unwrap_or("no reason given"),
            );
            warn!(event.id = %id, destination = delivered.destination, attempts = delivered.attempts, error, "not published");
        }
        delivered
    }

    /// Sends what is open once, and gives back what may be taken later. When a request was refused for one of its
    /// events, each of them goes alone from then on, so that only the one to blame is refused.
    async fn send_round(
        &self,
        destination: &dyn Destination,
        events: &[Outgoing],
        open: &[usize],
        alone: &mut HashSet<usize>,
        delivered: &mut [Delivered],
    ) -> Vec<usize> {
        let (batches, too_large) = batches::fill(destination, events, open, alone);
        for (place, bytes) in too_large {
            let most = destination.limits().entry_bytes_max;
            delivered[place].blame = Some(Blame::Event);
            delivered[place].error = Some(format!(
                "the event takes {bytes} bytes there, at most {most} are allowed"
            ));
        }
        let (at_once, mut later) = match destination.keeps_order() {
            true => (1, batches.clone()),
            false => (self.settings.concurrency.max(1), Vec::new()),
        };
        later.reverse();
        let requests = batches.into_iter().map(|batch| async move {
            let entries: Vec<&Outgoing> = batch.iter().map(|place| &events[*place]).collect();
            let answer = destination.send(&entries).await;
            (batch, answer)
        });
        let mut answers = stream::iter(requests).buffer_unordered(at_once);
        let mut open_still = Vec::new();
        while let Some((batch, answer)) = answers.next().await {
            let entries = batch.len();
            for (position, place) in batch.into_iter().enumerate() {
                let delivered = &mut delivered[place];
                delivered.attempts += 1;
                let (blame, error) = match &answer {
                    Ok(entries) => match entries.get(position) {
                        Some(Ok(id)) => {
                            delivered.message_id = Some(id.clone());
                            delivered.error = None;
                            delivered.blame = None;
                            continue;
                        }
                        Some(Err(error)) => (error.blame, error.message.clone()),
                        None => (Blame::Passing, "the destination said nothing about it".to_owned()),
                    },
                    Err(error) => (error.blame, error.message.clone()),
                };
                delivered.error = Some(error);
                delivered.blame = Some(blame);
                let one_of_several = answer.is_err() && blame == Blame::Event && entries > 1;
                if one_of_several {
                    alone.insert(place);
                }
                if blame == Blame::Passing || one_of_several {
                    open_still.push(place);
                }
            }
            later.pop();
            if !open_still.is_empty() && destination.keeps_order() {
                open_still.extend(later.drain(..).flatten());
                break;
            }
        }
        open_still.sort_unstable();
        open_still
    }

    fn wait_after(&self, round: u32) -> Duration {
        let most = self.settings.first_wait.saturating_mul(1 << (round - 1).min(16));
        let most_us = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.environment.random().up_to(most_us))
    }
}

/// An event's form for destinations that cannot take it whole.
enum Light {
    /// All of them can.
    NotNeeded,
    /// With a claim check instead of its payload.
    Checked(Outgoing),
    /// Its payload could not be left in the store.
    NotLeft(Blame, String),
}

fn is_too_large(outgoing: &Outgoing, destination: &dyn Destination) -> bool {
    destination.bytes(outgoing) > destination.limits().entry_bytes_max
}

fn explain_what_was_not_left(delivered: &mut [Delivered], light: &[Light]) {
    for (delivered, light) in delivered.iter_mut().zip(light) {
        if let (Some(error), Light::NotLeft(blame, why)) = (&mut delivered.error, light) {
            // Too large only because the payload could not be left: that is no fault of the event's.
            delivered.blame = Some(*blame);
            error.push_str("; its payload could not be left for a claim check: ");
            error.push_str(why);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use async_trait::async_trait;
    use futures_util::future::FutureExt;
    use onecommit_environment::{Clock, SeededRandom, Timestamp};

    use super::*;
    use crate::destination::{DestinationError, EntryError, Limits};

    type Answer = Result<Vec<Result<String, EntryError>>, DestinationError>;

    /// Answers as told, and notes what it was sent. Without an answer left it takes everything.
    struct Scripted {
        answers: Mutex<VecDeque<Answer>>,
        sent: Mutex<Vec<Vec<String>>>,
        keeps_order: bool,
    }

    impl Scripted {
        fn new(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
            Self::with_order(answers, false)
        }

        fn in_order(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
            Self::with_order(answers, true)
        }

        fn with_order(answers: impl IntoIterator<Item = Answer>, keeps_order: bool) -> Arc<Self> {
            let (answers, sent) = (Mutex::new(answers.into_iter().collect()), Mutex::default());
            Arc::new(Self {
                answers,
                sent,
                keeps_order,
            })
        }

        fn sent_sizes(&self) -> Vec<usize> {
            self.sent.lock().unwrap().iter().map(Vec::len).collect()
        }
    }

    #[async_trait]
    impl Destination for Scripted {
        fn name(&self) -> &'static str {
            "scripted"
        }
        fn keeps_order(&self) -> bool {
            self.keeps_order
        }
        fn limits(&self) -> Limits {
            Limits {
                entries_max: 10,
                entry_bytes_max: 1000,
                batch_bytes_max: 2000,
            }
        }
        fn bytes(&self, event: &Outgoing) -> usize {
            event.json.len()
        }
        async fn send(&self, batch: &[&Outgoing]) -> Answer {
            self.sent
                .lock()
                .unwrap()
                .push(batch.iter().map(|event| event.event.id().to_string()).collect());
            let answer = self.answers.lock().unwrap().pop_front();
            answer.unwrap_or_else(|| Ok(batch.iter().map(|_| Ok("taken".to_owned())).collect()))
        }
    }

    struct NoWait;

    #[async_trait]
    impl Clock for NoWait {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_ms(0)
        }
        #[allow(clippy::disallowed_methods, reason = "only its progress matters here")]
        fn instant(&self) -> std::time::Instant {
            std::time::Instant::now()
        }
        async fn sleep(&self, _: Duration) {}
    }

    fn events(count: usize, filler: usize) -> Vec<Event> {
        (0..count)
            .map(|number| {
                let json = format!(
                    r#"{{"eventId":"0192f0c1-0000-7000-8000-{number:012}","eventType":"A","aggregateId":"a","aggregateType":"A",
                    "timestamp":"2026-11-22T07:00:00Z","payload":{{"filler":"{}"}},
                    "metadata":{{"correlationId":"c","causationId":"c"}}}}"#,
                    "x".repeat(filler)
                );
                Event::from_json(&json).unwrap()
            })
            .collect()
    }

    fn publish(destination: &Arc<Scripted>, events: Vec<Event>) -> Vec<Published> {
        let environment = Environment::new(Arc::new(NoWait), Arc::new(SeededRandom::new(1)));
        let destinations: Vec<Arc<dyn Destination>> = vec![destination.clone()];
        Publisher::new(destinations, environment)
            .publish(events)
            .now_or_never()
            .unwrap()
    }

    fn refused(blame: Blame) -> Result<String, EntryError> {
        Err(EntryError {
            blame,
            message: "no".to_owned(),
        })
    }

    #[test]
    fn twenty_five_small_events_would_fit_three_requests_but_bytes_count_too() {
        let destination = Scripted::new([]);
        assert!(publish(&destination, events(25, 0)).iter().all(Published::everywhere));
        assert_eq!(destination.sent_sizes().iter().sum::<usize>(), 25);
        assert!(destination.sent_sizes().iter().all(|size| *size <= 10));
        let destination = Scripted::new([]);
        publish(&destination, events(4, 600));
        assert_eq!(destination.sent_sizes(), [2, 2]);
    }

    #[test]
    fn where_order_counts_nothing_overtakes_what_is_still_open() {
        let taken = || Ok(vec![Ok("taken".into()); 10]);
        let down = || {
            Err(DestinationError {
                blame: Blame::Passing,
                message: "down".into(),
            })
        };
        let destination = Scripted::in_order([taken(), down()]);
        let events = events(25, 0);
        let ids: Vec<String> = events.iter().map(|event| event.id().to_string()).collect();
        let reports = publish(&destination, events);
        assert!(reports.iter().all(Published::everywhere));
        let sent = destination.sent.lock().unwrap();
        let sizes: Vec<usize> = sent.iter().map(Vec::len).collect();
        // The second request failed and went out again before the third.
        assert_eq!(sizes.iter().sum::<usize>(), 25 + sizes[1]);
        assert_eq!(sent[1], sent[2]);
        let landed: Vec<String> = [&sent[..1], &sent[2..]].concat().concat();
        assert_eq!(landed, ids);
    }

    #[test]
    fn only_what_failed_is_sent_again() {
        let destination = Scripted::new([Ok(vec![Ok("1".into()), refused(Blame::Passing), Ok("3".into())])]);
        let reports = publish(&destination, events(3, 0));
        assert!(reports.iter().all(Published::everywhere));
        assert_eq!(destination.sent.lock().unwrap()[1], [reports[1].event_id.to_string()]);
        assert_eq!(
            (reports[0].destinations[0].attempts, reports[1].destinations[0].attempts),
            (1, 2)
        );
    }

    #[test]
    fn what_can_never_be_taken_is_reported_and_not_repeated() {
        let destination = Scripted::new([Ok(vec![refused(Blame::Event), Ok("2".into())])]);
        let reports = publish(&destination, events(2, 0));
        assert!(!reports[0].anywhere() && reports[1].everywhere());
        assert_eq!(destination.sent_sizes(), [2]);
    }

    #[test]
    fn a_destination_that_is_down_is_tried_five_times_and_then_reported() {
        let down = || {
            Err(DestinationError {
                blame: Blame::Passing,
                message: "down".to_owned(),
            })
        };
        let destination = Scripted::new((0..9).map(|_| down()));
        let reports = publish(&destination, events(1, 0));
        assert_eq!(reports[0].destinations[0].attempts, 5);
        assert_eq!(reports[0].destinations[0].error.as_deref(), Some("down"));
    }

    #[test]
    fn a_request_refused_for_one_of_its_events_is_taken_apart_and_only_that_one_stays() {
        let refused = || {
            Err(DestinationError {
                blame: Blame::Event,
                message: "an entry is not valid".to_owned(),
            })
        };
        let taken = || Ok(vec![Ok("taken".to_owned())]);
        let destination = Scripted::in_order([refused(), taken(), refused(), taken()]);
        let reports = publish(&destination, events(3, 0));
        assert_eq!(
            reports.iter().map(Published::blame).collect::<Vec<_>>(),
            [None, Some(Blame::Event), None]
        );
        assert_eq!(destination.sent_sizes(), [3, 1, 1, 1]);
    }

    #[test]
    fn a_destination_that_refuses_everything_is_not_asked_again_and_no_event_is_to_blame() {
        let denied = Err(DestinationError {
            blame: Blame::Destination,
            message: "access denied".to_owned(),
        });
        let destination = Scripted::new([denied]);
        let reports = publish(&destination, events(2, 0));
        assert!(reports.iter().all(|report| report.blame() == Some(Blame::Destination)));
        assert_eq!(destination.sent_sizes(), [2]);
    }

    #[test]
    fn an_event_too_large_for_the_destination_is_named_and_its_neighbours_leave() {
        let destination = Scripted::new([]);
        let reports = publish(&destination, [events(1, 2000), events(1, 0)].concat());
        assert!(
            reports[0].destinations[0]
                .error
                .as_deref()
                .unwrap()
                .contains("at most 1000")
        );
        assert!(reports[1].everywhere());
    }

    struct Shelf(Mutex<VecDeque<StoreError>>, Mutex<Vec<String>>);

    #[async_trait]
    impl PayloadStore for Shelf {
        fn name(&self) -> &str {
            "shelf"
        }
        async fn put(&self, key: &str, _: &str) -> Result<(), StoreError> {
            match self.0.lock().unwrap().pop_front() {
                Some(error) => Err(error),
                None => {
                    self.1.lock().unwrap().push(key.to_owned());
                    Ok(())
                }
            }
        }
        async fn get(&self, _: &str, _: u64) -> Result<String, StoreError> {
            Err(StoreError::Gone("a publisher claims nothing".into()))
        }
    }

    fn publish_with(shelf: &Arc<Shelf>, destination: &Arc<Scripted>, events: Vec<Event>) -> Vec<Published> {
        let environment = Environment::new(Arc::new(NoWait), Arc::new(SeededRandom::new(1)));
        let destinations: Vec<Arc<dyn Destination>> = vec![destination.clone(), destination.clone()];
        let publisher = Publisher::new(destinations, environment).with_claim_checks(shelf.clone());
        publisher.publish(events).now_or_never().unwrap()
    }

    #[test]
    fn a_payload_too_large_is_left_once_and_its_event_leaves_with_a_claim_check() {
        let (shelf, destination) = (Arc::new(Shelf(Mutex::default(), Mutex::default())), Scripted::new([]));
        let reports = publish_with(&shelf, &destination, [events(1, 2000), events(1, 0)].concat());
        assert!(reports.iter().all(Published::everywhere));
        assert_eq!(
            shelf.1.lock().unwrap().len(),
            1,
            "two destinations, one object, and none for the small one"
        );
    }

    #[test]
    fn a_payload_that_could_not_be_left_is_reported() {
        let refused = VecDeque::from([
            StoreError::Transient("slow".into()),
            StoreError::Gone("no bucket".into()),
        ]);
        let (shelf, destination) = (
            Arc::new(Shelf(Mutex::new(refused), Mutex::default())),
            Scripted::new([]),
        );
        let reports = publish_with(&shelf, &destination, events(1, 2000));
        let error = reports[0].destinations[0].error.as_deref().unwrap();
        assert!(error.contains("at most 1000") && error.contains("no bucket"), "{error}");
    }

    #[test]
    fn an_answer_that_misses_an_event_counts_as_not_taken() {
        let destination = Scripted::new([Ok(vec![Ok("1".into())])]);
        let reports = publish(&destination, events(2, 0));
        assert_eq!(reports[1].destinations[0].attempts, 2);
        assert!(reports[1].everywhere());
    }
}
