//! Keeps views: every delivery is handled by the active generation of each view, and by the one that is being built.

mod catching_up;
mod in_time;
mod kept;
mod merging;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use onecommit_engine::{Deadline, Delivery, EventLog, ParkReason, RetryReason, Tally, UnknownEventTypes, Verdict};
use onecommit_environment::Environment;
use onecommit_event::{Event, Received, shown_name};
use onecommit_event_store::EventStore;
use tracing::warn;

use self::catching_up::CatchingUp;
use self::in_time::in_time;
use self::kept::KeptView;
use self::merging::merged;
use crate::control::{Known, ViewControl};
use crate::control_cache::ControlCache;
use crate::definition::ViewDefinition;
use crate::engines::EngineFactory;
use crate::lag::Lag;
use crate::name::InvalidViewName;

/// Keeps a set of views from deliveries of events.
///
/// Only events of the store count, those with a `sequence`: a rebuild could not bring others back, so they are passed
/// over. What the store has and a view lacks - an event that comes too early, or whose message got lost - is read from
/// the store, if the projector has been given one.
pub struct Projector {
    views: Vec<KeptView>,
    knowledge: ControlCache,
    engines: EngineFactory,
    store: Option<EventStore>,
}

/// What a projector did for one view since the last look.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewTally {
    /// The view; with `@building` behind it for the generation that is being built.
    pub name: String,
    /// What its engine counted.
    pub tally: Tally,
    /// How long after their timestamps events showed in the active generation, up to 100 of them.
    pub lags: Vec<Duration>,
}

/// How long a projector goes on with what it knows of the control rows, if nothing else is said.
pub const REFRESH: Duration = Duration::from_secs(15);
/// The longest that may be: a rebuild waits for it by default.
pub const REFRESH_MAX: Duration = Duration::from_secs(60);

impl Projector {
    /// A projector of these views. It looks at the control rows again when what it knows is older than `refresh`, which
    /// counts as [`REFRESH_MAX`] when it is longer than that.
    ///
    /// # Errors
    /// When a view has a name that cannot be one.
    pub fn new(
        views: Vec<Arc<dyn ViewDefinition>>,
        engines: EngineFactory,
        control: ViewControl,
        refresh: Duration,
    ) -> Result<Self, InvalidViewName> {
        let views = views.into_iter().map(KeptView::new).collect::<Result<_, _>>()?;
        Ok(Self {
            views,
            knowledge: ControlCache::new(control, refresh.min(REFRESH_MAX)),
            engines,
            store: None,
        })
    }

    /// Reads events that a view has missed from `log`, instead of waiting for their messages.
    #[must_use]
    pub fn catching_up_from(mut self, log: EventLog) -> Self {
        self.store = Some(self.engines.store(Arc::clone(self.knowledge.control().tables()), log));
        self
    }

    /// The clock and the randomness it works with.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        self.engines.environment()
    }

    /// Handles a batch and returns a verdict for each delivery, in order. It does not wait beyond the deadline for a
    /// dependency: those deliveries are redelivered.
    pub async fn handle(&self, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        let knowledge = in_time(deadline, self.environment(), self.knowledge.get()).await;
        let (known, is_fresh) = match knowledge {
            Some(Ok(knowledge)) => knowledge,
            // With old knowledge, a generation that is being built might miss the batch.
            Some(Err(error)) => return self.all_unknown(deliveries, &error),
            None => {
                return self.all_unknown(
                    deliveries,
                    &"the control rows could not be read before the invocation ended",
                );
            }
        };
        let events: Vec<Option<Event>> = deliveries.iter().map(event_in).collect();
        let wanted: Vec<usize> = (0..deliveries.len())
            .filter(|place| events[*place].as_ref().is_none_or(has_sequence))
            .collect();
        let batch = if wanted.len() == deliveries.len() {
            Cow::Borrowed(deliveries)
        } else {
            Cow::Owned(wanted.iter().map(|place| deliveries[*place].clone()).collect())
        };
        let events: Vec<Option<&Event>> = wanted.iter().map(|place| events[*place].as_ref()).collect();
        let per_engine = self.handle_everywhere(&batch, &events, &known, deadline).await;
        let mut verdicts = vec![Verdict::Ignored; deliveries.len()];
        for (number, place) in wanted.iter().enumerate() {
            let verdict = merged(per_engine.iter().map(|verdicts| &verdicts[number]));
            verdicts[*place] = match (verdict, events[number]) {
                (Verdict::Ignored, Some(event)) if !per_engine.is_empty() => self.nobody_handles(event),
                (verdict, _) => verdict,
            };
        }
        if is_fresh {
            // The verdicts matter more.
            let _ = in_time(deadline, self.environment(), self.note_lags()).await;
        }
        verdicts
    }

    /// What it counted since the last call, by view and generation.
    #[must_use]
    pub fn take_tallies(&self) -> Vec<ViewTally> {
        self.views.iter().flat_map(KeptView::take_tallies).collect()
    }

    /// Each engine's verdicts, side by side.
    async fn handle_everywhere(
        &self,
        deliveries: &[Delivery],
        events: &[Option<&Event>],
        known: &Known,
        deadline: Deadline,
    ) -> Vec<Vec<Verdict>> {
        let catching_up = self.store.as_ref().map(CatchingUp::from);
        let kept = self.views.iter().flat_map(|view| {
            let keeping = view.keeping(
                known.generations(view.name()),
                &self.engines,
                self.knowledge.control().table(),
            );
            keeping.into_iter().map(move |keeping| (view, keeping))
        });
        let handle = async |(view, keeping): (&KeptView, kept::Keeping)| {
            let mut verdicts = keeping.engine.handle(deliveries, deadline).await;
            if let Some(catching_up) = &catching_up {
                catching_up
                    .fill_gaps(&keeping.engine, deliveries, events, &mut verdicts, deadline)
                    .await;
            }
            if keeping.is_active {
                view.note_lags(events, &verdicts, self.environment().clock().now());
            }
            verdicts
        };
        join_all(kept.map(handle)).await
    }

    /// Told at most once per refresh time, and once by each process.
    async fn note_lags(&self) {
        let lags: BTreeMap<String, Lag> = self.views.iter().filter_map(KeptView::take_worst_lag).collect();
        if lags.is_empty() {
            return;
        }
        if let Err(error) = self.knowledge.control().note_lags(&lags).await {
            warn!(error = %error, "lag of the views could not be stored");
        }
    }

    fn nobody_handles(&self, event: &Event) -> Verdict {
        match self.engines.unknown_event_types() {
            UnknownEventTypes::Ignore => Verdict::Ignored,
            UnknownEventTypes::Park => Verdict::Park {
                reason: ParkReason::UnknownEventType,
                error: format!("no view handles {:?}", shown_name(event.event_type())),
            },
        }
    }

    fn all_unknown(&self, deliveries: &[Delivery], error: &dyn Display) -> Vec<Verdict> {
        let backoff = self.engines.settings().redelivery_backoff;
        let come_back = |delivery: &Delivery| Verdict::Retry {
            after: backoff.after(delivery.receive_count.max(1), self.environment().random()),
            reason: RetryReason::DatabaseUnavailable,
            error: error.to_string(),
        };
        deliveries.iter().map(come_back).collect()
    }
}

/// The event, unless the body is none: then an engine says what is wrong with it.
fn event_in(delivery: &Delivery) -> Option<Event> {
    Received::from_body(&delivery.body).ok().map(|received| received.event)
}

fn has_sequence(event: &Event) -> bool {
    event.metadata().sequence.is_some()
}
