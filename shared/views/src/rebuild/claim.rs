use std::time::{Duration, Instant};

use onecommit_environment::Timestamp;
use onecommit_event_store::Position;

use super::error::RebuildError;
use crate::control::ViewControl;
use crate::control::state::{Building, Phase};
use crate::name::{Generation, ViewName};

/// The right to rebuild a view, for as long as it is renewed.
pub(super) struct Claim<'a> {
    control: &'a ViewControl,
    view: &'a ViewName,
    owned_for: Duration,
    renewed: Instant,
    owner: String,
    building: Building,
}

impl<'a> Claim<'a> {
    /// Begins a rebuild, or goes on with one whose owner has fallen silent.
    pub(super) async fn take(
        control: &'a ViewControl,
        view: &'a ViewName,
        owned_for: Duration,
    ) -> Result<Self, RebuildError> {
        let (environment, renewed) = (control.environment(), control.environment().clock().instant());
        let owner = environment.ids().next().to_string();
        let claim = |state: Option<_>| {
            let now = environment.clock().now();
            super::known(state).claim(&owner, now, now.plus(owned_for))
        };
        let state = control.change(view, claim).await;
        let state = state.map_err(|error| RebuildError::of_change(view, error))?;
        let building = state.building.ok_or_else(|| RebuildError::TakenOver(view.clone()))?;
        Ok(Self {
            control,
            view,
            owned_for,
            renewed,
            owner,
            building,
        })
    }

    pub(super) fn generation(&self) -> Generation {
        self.building.generation
    }

    pub(super) fn phase(&self) -> Phase {
        self.building.phase
    }

    pub(super) fn position(&self) -> Option<Position> {
        self.building.position.clone()
    }

    pub(super) fn claimed_at(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.building.claimed_at_ms)
    }

    pub(super) fn events(&self) -> u64 {
        self.building.events
    }

    /// How long it may be left alone.
    pub(super) fn renewal(&self) -> Duration {
        self.owned_for / 4
    }

    pub(super) fn count(&mut self, events: u64, parked: u64) {
        self.building.events += events;
        self.building.parked = parked;
    }

    /// Everything up to here has been handled.
    pub(super) fn reach(&mut self, position: Option<&Position>) -> bool {
        let is_new = self.building.position.as_ref() != position;
        if is_new {
            self.building.position = position.cloned();
        }
        is_new
    }

    /// Every projector knows of the rebuild.
    pub(super) async fn begin_replay(&mut self) -> Result<(), RebuildError> {
        self.building.phase = Phase::Replaying;
        self.keep().await
    }

    pub(super) async fn keep_if_due(&mut self) -> Result<(), RebuildError> {
        let elapsed = self
            .control
            .environment()
            .clock()
            .instant()
            .saturating_duration_since(self.renewed);
        if elapsed >= self.renewal() {
            self.keep().await
        } else {
            Ok(())
        }
    }

    /// Writes down how far it is, and that somebody is at work.
    pub(super) async fn keep(&mut self) -> Result<(), RebuildError> {
        self.keep_for(self.owned_for).await
    }

    /// Lets others go on at once.
    pub(super) async fn release(&mut self) -> Result<(), RebuildError> {
        self.keep_for(Duration::ZERO).await
    }

    /// From now on the generation serves.
    pub(super) async fn switch(self) -> Result<(), RebuildError> {
        let (environment, generation) = (self.control.environment(), self.building.generation);
        let switch = |state: Option<_>| super::known(state).switch(&self.owner, generation, environment.clock().now());
        let switched = self.control.change(self.view, switch).await;
        switched
            .map(drop)
            .map_err(|error| RebuildError::of_change(self.view, error))
    }

    async fn keep_for(&mut self, time: Duration) -> Result<(), RebuildError> {
        let clock = self.control.environment().clock();
        let renewed = clock.instant();
        self.building.owned_until_ms = clock.now().plus(time).unix_ms();
        let keep = |state: Option<_>| super::known(state).keep(&self.owner, |kept| kept.clone_from(&self.building));
        let kept = self.control.change(self.view, keep).await;
        kept.map_err(|error| RebuildError::of_change(self.view, error))?;
        self.renewed = renewed;
        Ok(())
    }
}
