//! Rebuilds a view beside its active generation.
//!
//! ```text
//!  projectors    generation n ------------------+--- n and n+1 side by side ---------+--- n+1
//!                                               |                                    |
//!  rebuild       claim n+1 ---- known_after ----+-- replay of the store into n+1 --- switch
//! ```
//!
//! **No event is missing from the new generation.** An event is published after it was stored. One that was stored
//! before the replay began is covered by the replay: a scan returns every row that existed before its first page. One
//! that was stored later is published later still, and by then every projector knows the rebuild, because it reads
//! the control rows before it handles a batch, unless it did so less than its refresh time ago; so the projector
//! handles it for the new generation as well.
//!
//! **No event counts twice in it.** Projector and replay are one consumer, `{view}@{generation}`: what the one has
//! handled is a duplicate to the other, by the ledger's rows or the sequences that the view's rows note. The same makes
//! it harmless to repeat any part of the replay, so a crash costs no more than the events since the last position.
//!
//! **A crash** before the claim leaves nothing; after it, a generation that is not visible and a rebuild that can be
//! continued; after the switch, the rows of a retired generation, until [`Rebuild::clean`].

mod claim;
mod cleaning;
mod error;
mod feeding;
mod pace;

use std::sync::Arc;
use std::time::Duration;

use onecommit_engine::{Engine, EventLog};
use onecommit_environment::Environment;
use onecommit_event::Event;
use onecommit_event_store::{EventStore, Replay};

use self::claim::Claim;
pub use self::cleaning::Cleaned;
pub use self::error::RebuildError;
pub use self::feeding::{NotTaken, ParkedEvent, ParkedEvents};
pub use self::pace::RebuildSettings;
use crate::control::ViewControl;
use crate::control::state::{ControlState, Phase};
use crate::definition::{ViewDefinition, ViewRows};
use crate::engines::EngineFactory;
use crate::name::{Generation, InvalidViewName, ViewName};

/// Rebuilds a view from the store.
pub struct Rebuild {
    definition: Arc<dyn ViewDefinition>,
    view: ViewName,
    engines: EngineFactory,
    control: ViewControl,
    store: EventStore,
    pace: RebuildSettings,
}

/// The progress of a rebuild.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The generation that is being made.
    pub generation: Generation,
    /// What it is at.
    pub phase: Phase,
    /// How many events it has handled; those that were repeated after a crash count again.
    pub events: u64,
    /// How many events it could not handle.
    pub parked: u64,
}

/// What a rebuild does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Continue.
    GoOn,
    /// Stop, so that it can be continued later.
    Pause,
}

/// How a rebuild ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Rebuilt {
    /// The new generation is active.
    Switched {
        /// The generation.
        generation: Generation,
        /// How many events it has handled.
        events: u64,
        /// Those that it could not handle, which were tolerated.
        parked: ParkedEvents,
    },
    /// It was asked to pause. Running it again continues it.
    Paused(Progress),
}

/// Before the claim is too old for its ledger rows.
const MARGIN: Duration = Duration::from_secs(24 * 3600);
impl Rebuild {
    /// A rebuild of this view from the events in `log`. `engines` have to be made as the projectors' are.
    ///
    /// # Errors
    /// When the view has a name that cannot be one.
    pub fn new(
        definition: Arc<dyn ViewDefinition>,
        engines: EngineFactory,
        control: ViewControl,
        log: EventLog,
    ) -> Result<Self, InvalidViewName> {
        let store = engines.store(Arc::clone(control.tables()), log);
        Ok(Self {
            view: ViewName::new(definition.name())?,
            definition,
            engines,
            control,
            store,
            pace: RebuildSettings::default(),
        })
    }

    /// With other settings.
    #[must_use]
    pub fn with(mut self, pace: RebuildSettings) -> Self {
        self.pace = pace;
        self
    }

    /// Builds a new generation of the view and activates it; or continues after a crash, an error or a pause.
    /// `watch` gets the progress, about once for each batch of events, and returns whether to continue.
    ///
    /// # Errors
    /// See [`RebuildError`]. The active generation stays active.
    pub async fn run(&self, mut watch: impl FnMut(&Progress) -> Next) -> Result<Rebuilt, RebuildError> {
        let mut claim = Claim::take(&self.control, &self.view, self.pace.owned_for).await?;
        match self.make(&mut claim, &mut watch).await {
            Ok(Made::All(parked)) if parked.count == 0 || self.pace.tolerates_parked => {
                let (generation, events) = (claim.generation(), claim.events());
                claim.switch().await?;
                Ok(Rebuilt::Switched {
                    generation,
                    events,
                    parked,
                })
            }
            Ok(Made::All(parked)) => {
                claim.release().await?;
                Err(RebuildError::Parked(self.view.clone(), parked))
            }
            Ok(Made::Paused(progress)) => {
                claim.release().await?;
                Ok(Rebuilt::Paused(progress))
            }
            Err(error) => {
                // The error matters more. If this fails as well, the next one has to wait until the time is over.
                let _ = claim.release().await;
                Err(error)
            }
        }
    }

    /// Abandons a rebuild. Its rows are deleted by [`clean`](Self::clean).
    ///
    /// # Errors
    /// When there is no rebuild, or it is running.
    pub async fn abandon(&self) -> Result<(), RebuildError> {
        let environment = self.environment();
        let abandon = |state: Option<_>| known(state).abandon(environment.clock().now());
        let abandoned = self.control.change(&self.view, abandon).await;
        abandoned
            .map(drop)
            .map_err(|error| RebuildError::of_change(&self.view, error))
    }

    async fn make(
        &self,
        claim: &mut Claim<'_>,
        watch: &mut impl FnMut(&Progress) -> Next,
    ) -> Result<Made, RebuildError> {
        if claim.phase() == Phase::Announced {
            if let Some(progress) = self.until_known(claim, watch).await? {
                return Ok(Made::Paused(progress));
            }
            claim.begin_replay().await?;
        }
        self.replay(claim, watch).await
    }

    /// Waits until every projector has looked at the control rows.
    async fn until_known(
        &self,
        claim: &mut Claim<'_>,
        watch: &mut impl FnMut(&Progress) -> Next,
    ) -> Result<Option<Progress>, RebuildError> {
        let clock = self.environment().clock();
        let started = clock.instant();
        loop {
            let progress = progress_of(claim, &ParkedEvents::default());
            if watch(&progress) == Next::Pause {
                return Ok(Some(progress));
            }
            let left = self
                .pace
                .known_after
                .saturating_sub(clock.instant().saturating_duration_since(started));
            if left.is_zero() {
                return Ok(None);
            }
            clock.sleep(left.min(claim.renewal())).await;
            claim.keep_if_due().await?;
        }
    }

    async fn replay(
        &self,
        claim: &mut Claim<'_>,
        watch: &mut impl FnMut(&Progress) -> Next,
    ) -> Result<Made, RebuildError> {
        let engine = self.engine(claim.generation());
        let mut replay = self
            .store
            .replay_from(claim.position())
            .rows_per_page(self.pace.rows_per_page);
        let mut parked = ParkedEvents::default();
        loop {
            self.check_age(claim)?;
            let started = self.environment().clock().instant();
            let events = self.some_events(&mut replay, &mut parked).await?;
            if events.is_empty() {
                return Ok(Made::All(parked));
            }
            let count = events.len() as u64;
            feeding::feed(&engine, events, &mut parked)
                .await
                .map_err(RebuildError::NotTaken)?;
            claim.count(count, parked.count);
            // Never past an event that could not be handled: the next run shall try it again.
            if parked.count == 0 && claim.reach(replay.position()) {
                claim.keep().await?;
            }
            claim.keep_if_due().await?;
            let progress = progress_of(claim, &parked);
            if watch(&progress) == Next::Pause {
                return Ok(Made::Paused(progress));
            }
            self.hold_back(count, started).await;
        }
    }

    /// The next events, as many as are handled at once. What the store holds in their place and is no event cannot be
    /// handled either.
    async fn some_events(
        &self,
        replay: &mut Replay<'_>,
        parked: &mut ParkedEvents,
    ) -> Result<Vec<Event>, RebuildError> {
        let mut events = Vec::new();
        while events.len() < self.pace.batch() {
            match replay.next().await {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) if error.is_transient() => return Err(RebuildError::Store(error)),
                Err(error) => parked.add_row(error).map_err(RebuildError::Store)?,
            }
        }
        Ok(events)
    }

    /// Waits for as long as so many events may take.
    async fn hold_back(&self, events: u64, started: std::time::Instant) {
        let Some(per_second) = self.pace.events_per_second_max else {
            return;
        };
        let due = Duration::from_secs_f64(events as f64 / f64::from(per_second.max(1)));
        let clock = self.environment().clock();
        let left = due.saturating_sub(clock.instant().saturating_duration_since(started));
        if !left.is_zero() {
            clock.sleep(left).await;
        }
    }

    /// The ledger has to remember every event that was handled before, or a repetition would count it twice.
    fn check_age(&self, claim: &Claim<'_>) -> Result<(), RebuildError> {
        let age = self.environment().clock().now().since(claim.claimed_at());
        if age + MARGIN > self.engines.ledger().retention() {
            return Err(RebuildError::TooOld(self.view.clone(), claim.claimed_at()));
        }
        Ok(())
    }

    fn engine(&self, generation: Generation) -> Engine {
        let rows = self.rows_of(generation);
        self.engines
            .replaying_engine(&*self.definition, &self.view, generation, rows)
    }

    fn rows_of(&self, generation: Generation) -> ViewRows {
        ViewRows::new(self.control.table().clone(), &self.view, generation)
    }

    fn environment(&self) -> &Environment {
        self.engines.environment()
    }
}

/// What came of a replay.
enum Made {
    All(ParkedEvents),
    Paused(Progress),
}

fn progress_of(claim: &Claim<'_>, parked: &ParkedEvents) -> Progress {
    Progress {
        generation: claim.generation(),
        phase: claim.phase(),
        events: claim.events(),
        parked: parked.count,
    }
}

fn known(state: Option<ControlState>) -> ControlState {
    state.unwrap_or_default()
}
