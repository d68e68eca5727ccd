use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt, join_all};
use futures_util::stream::{self, StreamExt};
use onecommit_environment::{Environment, RetryBudget, RetryPolicy, TRACES, TraceContext, Transient, retry_within};
use onecommit_event::claim_check::{ClaimCheck, PayloadStore};
use onecommit_event::{Event, shown_name};
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span, warn};

use crate::batches::{self, Entry};
use crate::destination::{Destination, DestinationError, EntryError, FailureKind};
use crate::parcel::{Light, Parcel, Sent, fits};
use crate::report::Published;

/// Publishes events to every destination it was given.
pub struct Publisher {
    destinations: Vec<Arc<dyn Destination>>,
    environment: Environment,
    repetitions: RetryBudget,
    settings: PublishSettings,
    payload_store: Option<Arc<dyn PayloadStore>>,
}

/// How a publisher sends, and sends again.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PublishSettings {
    /// How often [`Publisher::publish`] sends what a destination may still take. Default: 5 times, up to 50 ms apart at
    /// first, doubling up to 400 ms.
    pub retry: RetryPolicy,
    /// How long [`Publisher::publish`] may take in all; what was not taken by then is reported. Default: 20 s.
    pub time_max: Duration,
    /// How many requests to one destination run side by side. Default: 4.
    pub concurrency: usize,
}

onecommit_environment::setters!(PublishSettings {
    retry: RetryPolicy,
    time_max: Duration,
    concurrency: usize,
});

impl Default for PublishSettings {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::new(5, 50, 400),
            time_max: Duration::from_secs(20),
            concurrency: 4,
        }
    }
}

/// Longer than anything is sent, and short enough to be added to a moment.
const NO_HURRY: Duration = Duration::from_secs(7 * 24 * 3600);

/// Some destination may still take an event.
struct StillOpen {
    is_time_left: bool,
}

impl Transient for StillOpen {
    fn is_transient(&self) -> bool {
        self.is_time_left
    }
}

impl Publisher {
    /// A publisher to these destinations.
    #[must_use]
    pub fn new(destinations: Vec<Arc<dyn Destination>>, environment: Environment) -> Self {
        Self {
            destinations,
            repetitions: RetryBudget::new(environment.clone()),
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

    /// Publishes the events to all destinations, side by side, and reports what became of each, in their order. What a
    /// destination may still take is sent to it again, as often as [`PublishSettings`] say, and as long as such repetitions
    /// stay a tenth of the calls and one in each second.
    ///
    /// It never fails as a whole: an event that a destination did not take says so in its report.
    pub async fn publish(&self, events: Vec<Event>) -> Vec<Published> {
        let end = self.environment.clock().instant() + self.settings.time_max.min(NO_HURRY);
        let events = events.into_iter().map(|event| (event, None)).collect();
        // The passes follow each other; between them nobody looks.
        let parcels = Mutex::new(self.parcels(events));
        let pass = || async {
            let mut sending = std::mem::take(&mut *parcels.lock().unwrap_or_else(PoisonError::into_inner));
            self.send_to_all(&mut sending, end).await;
            let is_open = sending.iter().any(Parcel::is_open);
            *parcels.lock().unwrap_or_else(PoisonError::into_inner) = sending;
            match is_open {
                true => Err(StillOpen {
                    is_time_left: self.environment.clock().instant() < end,
                }),
                false => Ok(()),
            }
        };
        // Whether all were taken stands in the reports.
        let _ = retry_within(&self.environment, self.settings.retry, &self.repetitions, pass).await;
        let parcels = parcels.into_inner().unwrap_or_else(PoisonError::into_inner);
        let reports: Vec<Published> = parcels.into_iter().map(Parcel::into_report).collect();
        reports.iter().for_each(log_what_was_not_taken);
        reports
    }

    /// Sends each event once to every destination that has not taken it, and reports what became of it, in their order:
    /// for who repeats by a policy of their own. With each event goes its report of the attempt before, if there was one.
    ///
    /// After `limit` no request is sent any more, and none is waited for: what it carried may have been taken.
    pub async fn attempt(&self, events: Vec<(Event, Option<Published>)>, limit: Duration) -> Vec<Published> {
        let end = self.environment.clock().instant() + limit.min(NO_HURRY);
        let mut parcels = self.parcels(events);
        self.send_to_all(&mut parcels, end).await;
        parcels.into_iter().map(Parcel::into_report).collect()
    }

    fn parcels(&self, events: Vec<(Event, Option<Published>)>) -> Vec<Parcel> {
        let names: Vec<&'static str> = self.destinations.iter().map(|destination| destination.name()).collect();
        let parcel = |(event, earlier): (Event, Option<Published>)| Parcel::new(event, &names, earlier.as_ref());
        events.into_iter().map(parcel).collect()
    }

    /// Sends what is open once.
    async fn send_to_all(&self, parcels: &mut [Parcel], end: Instant) {
        self.leave_large_payloads(parcels, end).await;
        let open: &[Parcel] = parcels;
        // Boxed, here and below: as futures that borrow they would not be `Send` enough for every executor.
        let sending: Vec<BoxFuture<'_, Vec<(usize, Sent)>>> = (0..self.destinations.len())
            .map(|destination| self.send_to(destination, open, end).boxed())
            .collect();
        for (destination, sent) in join_all(sending).await.into_iter().enumerate() {
            for (place, sent) in sent {
                parcels[place].note(destination, sent);
            }
        }
    }

    /// Leaves every payload that is too large for some destination in the store, once.
    async fn leave_large_payloads(&self, parcels: &mut [Parcel], end: Instant) {
        let Some(store) = &self.payload_store else { return };
        let leaving: Vec<BoxFuture<'_, (usize, Light)>> = (0..parcels.len())
            .filter(|place| self.is_too_large(&parcels[*place]))
            .map(|place| {
                let event = parcels[place].outgoing.event.clone();
                self.leave(place, event, &**store, end).boxed()
            })
            .collect();
        let mut left = stream::iter(leaving).buffer_unordered(self.settings.concurrency.max(1));
        while let Some((place, light)) = left.next().await {
            parcels[place].light = light;
        }
    }

    /// Whether some destination that may still take it needs a form that has not been made.
    fn is_too_large(&self, parcel: &Parcel) -> bool {
        let is_checked = matches!(parcel.light, Light::Checked(_));
        let mut open = (0..self.destinations.len()).filter(|destination| parcel.is_open_at(*destination));
        !is_checked && open.any(|destination| !fits(&parcel.outgoing, &*self.destinations[destination]))
    }

    async fn leave(&self, place: usize, event: Event, store: &dyn PayloadStore, end: Instant) -> (usize, Light) {
        let left = ClaimCheck::leave(&event, store);
        (
            place,
            Light::of(self.environment.within(self.left_until(end), left).await),
        )
    }

    /// Sends what is open at a destination; where order counts, one request after the other, and none after one of which
    /// something may still be taken later.
    async fn send_to(&self, place: usize, parcels: &[Parcel], end: Instant) -> Vec<(usize, Sent)> {
        let destination = &*self.destinations[place];
        let mut results = Vec::new();
        let mut entries: Vec<Entry<'_>> = Vec::new();
        for (number, parcel) in parcels
            .iter()
            .enumerate()
            .filter(|(_, parcel)| parcel.is_open_at(place))
        {
            match parcel.form_for(destination) {
                Ok(form) => entries.push((number, form)),
                Err(refused) => results.push((number, refused)),
            }
        }
        let at_once = if destination.keeps_order() {
            1
        } else {
            self.settings.concurrency.max(1)
        };
        let is_stopped = AtomicBool::new(false);
        let requests: Vec<BoxFuture<'_, Vec<(usize, Sent)>>> = batches::fill(destination, entries)
            .into_iter()
            .map(|batch| self.send_unless(&is_stopped, destination, batch, end).boxed())
            .collect();
        let answers: Vec<Vec<(usize, Sent)>> = stream::iter(requests).buffered(at_once).collect().await;
        results.extend(answers.into_iter().flatten());
        results
    }

    async fn send_unless(
        &self,
        is_stopped: &AtomicBool,
        destination: &dyn Destination,
        batch: Vec<Entry<'_>>,
        end: Instant,
    ) -> Vec<(usize, Sent)> {
        if is_stopped.load(Ordering::Relaxed) {
            return not_sent(&batch, "an earlier event of its aggregate is not published yet");
        }
        let sent = self.send_batch(destination, &batch, end).await;
        if destination.keeps_order() && sent.iter().any(|(_, sent)| may_still_be_taken(sent)) {
            is_stopped.store(true, Ordering::Relaxed);
        }
        sent
    }

    /// Sends a batch. When it is refused for one of its events, each of them is sent alone, so that only the one to blame
    /// is refused.
    async fn send_batch(&self, destination: &dyn Destination, batch: &[Entry<'_>], end: Instant) -> Vec<(usize, Sent)> {
        match self.request(destination, batch, end).await {
            Err(error) if error.blame == FailureKind::Event && batch.len() > 1 => {
                let mut results = Vec::with_capacity(batch.len());
                for entry in batch {
                    let alone = std::slice::from_ref(entry);
                    let before = results.last().map(|(_, sent)| sent);
                    if destination.keeps_order() && before.is_some_and(may_still_be_taken) {
                        results.extend(not_sent(
                            alone,
                            "an earlier event of its aggregate is not published yet",
                        ));
                        continue;
                    }
                    let answer = self.request(destination, alone, end).await;
                    results.extend(by_entry(alone, answer));
                }
                results
            }
            answer => by_entry(batch, answer),
        }
    }

    async fn request(
        &self,
        destination: &dyn Destination,
        batch: &[Entry<'_>],
        end: Instant,
    ) -> Result<Vec<Result<String, EntryError>>, DestinationError> {
        let late = |message: &str| DestinationError {
            blame: FailureKind::Passing,
            message: message.to_owned(),
        };
        let limit = self.left_until(end);
        if limit.is_zero() {
            return Err(late("no time was left to publish it"));
        }
        let entries: Vec<_> = batch.iter().map(|(_, outgoing)| *outgoing).collect();
        let span = self.span_of(destination, batch);
        let sending = self.environment.within(limit, destination.send(&entries));
        let answer = sending.instrument(span.clone()).await;
        let answer = answer.unwrap_or_else(|| Err(late("no answer in time")));
        if let Err(error) = &answer {
            span.record("error.type", blamed(error.blame));
            span.record("otel.status_code", "ERROR");
        }
        answer
    }

    /// The span of a request, linked to what caused each event in it. If that is one trace, it is part of it; otherwise of the
    /// trace that the code runs in.
    fn span_of(&self, destination: &dyn Destination, batch: &[Entry<'_>]) -> Span {
        let span = info_span!(
            target: TRACES,
            "send",
            otel.kind = "producer",
            otel.name = format!("send {}", name_of(batch)),
            otel.status_code = Empty,
            messaging.system = destination.name(),
            messaging.operation.name = "send",
            messaging.operation.r#type = "send",
            messaging.batch.message_count = batch.len(),
            error.r#type = Empty,
        );
        let Some(tracer) = self.environment.tracer().filter(|_| !span.is_disabled()) else {
            return span;
        };
        let events = batch.iter().map(|(_, outgoing)| &outgoing.event);
        let causes: Vec<TraceContext> = events.filter_map(|event| event.metadata().trace_context()).collect();
        let is_one_trace =
            causes.len() == batch.len() && causes.windows(2).all(|pair| pair[0].trace_id() == pair[1].trace_id());
        if let Some(first) = causes.first().filter(|_| is_one_trace) {
            tracer.set_parent(&span, first);
        }
        causes.iter().for_each(|cause| tracer.link(&span, cause));
        span
    }

    fn left_until(&self, end: Instant) -> Duration {
        end.saturating_duration_since(self.environment.clock().instant())
    }
}

fn blamed(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Passing => "passing",
        FailureKind::Destination => "destination",
        FailureKind::Event => "event",
    }
}

/// What a request's span is named after: the type of its events, if they have one.
fn name_of<'a>(batch: &[Entry<'a>]) -> &'a str {
    let mut types = batch.iter().map(|(_, outgoing)| outgoing.event.event_type());
    match types.next() {
        Some(first) if types.all(|other| other == first) => shown_name(first),
        _ => "events",
    }
}

fn by_entry(
    batch: &[Entry<'_>],
    answer: Result<Vec<Result<String, EntryError>>, DestinationError>,
) -> Vec<(usize, Sent)> {
    let refused = |blame, message| Sent::Refused {
        blame,
        message,
        was_sent: true,
    };
    let places = batch.iter().map(|(place, _)| *place);
    match answer {
        Err(error) => places
            .map(|place| (place, refused(error.blame, error.message.clone())))
            .collect(),
        Ok(entries) => {
            let silent = || {
                refused(
                    FailureKind::Passing,
                    "the destination's answer does not mention it".to_owned(),
                )
            };
            let of_entry = |entry| match entry {
                Ok(id) => Sent::Taken(id),
                Err(EntryError { blame, message }) => refused(blame, message),
            };
            let answers = entries.into_iter().map(of_entry).chain(std::iter::repeat_with(silent));
            places.zip(answers).collect()
        }
    }
}

fn not_sent(batch: &[Entry<'_>], why: &str) -> Vec<(usize, Sent)> {
    let refused = |(place, _): &Entry<'_>| {
        let sent = Sent::Refused {
            blame: FailureKind::Passing,
            message: why.to_owned(),
            was_sent: false,
        };
        (*place, sent)
    };
    batch.iter().map(refused).collect()
}

fn may_still_be_taken(sent: &Sent) -> bool {
    matches!(
        sent,
        Sent::Refused {
            blame: FailureKind::Passing,
            ..
        }
    )
}

fn log_what_was_not_taken(report: &Published) {
    for delivered in report
        .destinations
        .iter()
        .filter(|delivered| delivered.message_id.is_none())
    {
        warn!(
            event.id = %report.event_id,
            destination = delivered.destination,
            attempts = delivered.attempts,
            error = delivered.error.as_deref().unwrap_or("no reason given"),
            "event could not be published"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use async_trait::async_trait;
    use onecommit_environment::{Clock, SeededRandom, Timestamp};
    use onecommit_event::claim_check::StoreError;

    use super::*;
    use crate::destination::{Limits, Outgoing};

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
        fn instant(&self) -> Instant {
            Instant::now()
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

    fn refused(blame: FailureKind) -> Result<String, EntryError> {
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
    fn with_ordering_a_failed_batch_is_not_overtaken() {
        let taken = || Ok(vec![Ok("taken".into()); 10]);
        let down = || {
            Err(DestinationError {
                blame: FailureKind::Passing,
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
        let destination = Scripted::new([Ok(vec![Ok("1".into()), refused(FailureKind::Passing), Ok("3".into())])]);
        let reports = publish(&destination, events(3, 0));
        assert!(reports.iter().all(Published::everywhere));
        assert_eq!(destination.sent.lock().unwrap()[1], [reports[1].event_id.to_string()]);
        assert_eq!(
            (reports[0].destinations[0].attempts, reports[1].destinations[0].attempts),
            (1, 2)
        );
    }

    #[test]
    fn a_permanent_failure_is_reported_and_not_retried() {
        let destination = Scripted::new([Ok(vec![refused(FailureKind::Event), Ok("2".into())])]);
        let reports = publish(&destination, events(2, 0));
        assert!(!reports[0].anywhere() && reports[1].everywhere());
        assert_eq!(destination.sent_sizes(), [2]);
    }

    #[test]
    fn a_destination_that_is_down_is_tried_five_times_and_then_reported() {
        let down = || {
            Err(DestinationError {
                blame: FailureKind::Passing,
                message: "down".to_owned(),
            })
        };
        let destination = Scripted::new((0..9).map(|_| down()));
        let reports = publish(&destination, events(1, 0));
        assert_eq!(reports[0].destinations[0].attempts, 5);
        assert_eq!(reports[0].destinations[0].error.as_deref(), Some("down"));
    }

    #[test]
    fn a_refused_batch_is_split_and_one_event_fails() {
        let refused = || {
            Err(DestinationError {
                blame: FailureKind::Event,
                message: "an entry is not valid".to_owned(),
            })
        };
        let taken = || Ok(vec![Ok("taken".to_owned())]);
        let destination = Scripted::in_order([refused(), taken(), refused(), taken()]);
        let reports = publish(&destination, events(3, 0));
        assert_eq!(
            reports.iter().map(Published::blame).collect::<Vec<_>>(),
            [None, Some(FailureKind::Event), None]
        );
        assert_eq!(destination.sent_sizes(), [3, 1, 1, 1]);
    }

    fn down() -> Answer {
        Err(DestinationError {
            blame: FailureKind::Passing,
            message: "down".to_owned(),
        })
    }

    #[test]
    fn an_attempt_skips_destinations_that_already_accepted() {
        let (up, away) = (Scripted::new([]), Scripted::new([down(), down()]));
        let environment = Environment::new(Arc::new(NoWait), Arc::new(SeededRandom::new(1)));
        let destinations: Vec<Arc<dyn Destination>> = vec![up.clone(), away.clone()];
        let publisher = Publisher::new(destinations, environment);
        let event = events(1, 0).remove(0);
        let mut report = None;
        for _ in 0..3 {
            let limit = Duration::from_secs(60);
            let reports = publisher
                .attempt(vec![(event.clone(), report)], limit)
                .now_or_never()
                .unwrap();
            report = reports.into_iter().next();
        }
        assert!(report.unwrap().everywhere());
        assert_eq!((up.sent_sizes(), away.sent_sizes()), (vec![1], vec![1, 1, 1]));
    }

    #[test]
    fn a_destination_that_never_answers_is_not_waited_for() {
        struct Silent;
        #[async_trait]
        impl Destination for Silent {
            fn name(&self) -> &'static str {
                "silent"
            }
            fn limits(&self) -> Limits {
                Limits {
                    entries_max: 1,
                    entry_bytes_max: 1000,
                    batch_bytes_max: 1000,
                }
            }
            fn bytes(&self, event: &Outgoing) -> usize {
                event.json.len()
            }
            async fn send(&self, _: &[&Outgoing]) -> Answer {
                std::future::pending().await
            }
        }
        let environment = Environment::new(Arc::new(NoWait), Arc::new(SeededRandom::new(1)));
        let publisher = Publisher::new(vec![Arc::new(Silent)], environment);
        let reports = publisher.publish(events(2, 0)).now_or_never().unwrap();
        assert!(
            reports
                .iter()
                .all(|report| report.blame() == Some(FailureKind::Passing))
        );
        let error = reports[0].destinations[0].error.as_deref().unwrap();
        assert!(error.contains("no answer in time"), "{error}");
    }

    #[test]
    fn characters_that_queues_refuse_are_escaped() {
        let json = events(1, 0)[0]
            .to_json()
            .replace("\"filler\":\"\"", "\"filler\":\"\u{FFFE}\"");
        let outgoing = Outgoing::from(Event::from_json(&json).unwrap());
        assert!(outgoing.json.contains(r"\uFFFE") && !outgoing.json.contains('\u{FFFE}'));
        assert_eq!(
            Event::from_json(&outgoing.json).unwrap().fingerprint(),
            outgoing.event.fingerprint()
        );
    }

    #[test]
    fn a_refusing_destination_is_not_retried_and_is_blamed() {
        let denied = Err(DestinationError {
            blame: FailureKind::Destination,
            message: "access denied".to_owned(),
        });
        let destination = Scripted::new([denied]);
        let reports = publish(&destination, events(2, 0));
        assert!(
            reports
                .iter()
                .all(|report| report.blame() == Some(FailureKind::Destination))
        );
        assert_eq!(destination.sent_sizes(), [2]);
    }

    #[test]
    fn an_oversized_event_fails_alone() {
        let destination = Scripted::new([]);
        let reports = publish(&destination, [events(1, 2000), events(1, 0)].concat());
        assert!(
            reports[0].destinations[0]
                .error
                .as_deref()
                .unwrap()
                .contains("the limit is 1000")
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
    fn an_oversized_payload_is_stored_once_for_all_destinations() {
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
    fn a_payload_that_cannot_be_stored_is_reported() {
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
        assert!(
            error.contains("the limit is 1000") && error.contains("no bucket"),
            "{error}"
        );
    }

    #[test]
    fn an_answer_that_misses_an_event_counts_as_not_taken() {
        let destination = Scripted::new([Ok(vec![Ok("1".into())])]);
        let reports = publish(&destination, events(2, 0));
        assert_eq!(reports[1].destinations[0].attempts, 2);
        assert!(reports[1].everywhere());
    }
}
