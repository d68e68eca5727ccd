//! The life of a view's generations, as one table of pure transitions.
//!
//! ```text
//!              claim                switch
//!  active n ---------> building n+1 --------> active n+1, retired n
//!                           |
//!                           +-- abandon ----> active n,   retired n+1
//! ```

use std::fmt;

use onecommit_environment::Timestamp;
use onecommit_event_store::Position;
use serde::{Deserialize, Serialize};

use crate::name::Generation;

/// What is known of a view's generations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ControlState {
    /// The one that readers see.
    pub(crate) active: Option<Generation>,
    /// The last number that was given out.
    pub(crate) newest: Generation,
    pub(crate) building: Option<Building>,
    /// Those whose rows may still be there.
    #[serde(default)]
    pub(crate) retired: Vec<Retired>,
}

/// A rebuild that is under way, or was when it crashed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Building {
    pub(crate) generation: Generation,
    pub(crate) phase: Phase,
    /// Who rebuilds. Nobody else changes anything here until its time is over.
    pub(crate) owner: String,
    pub(crate) owned_until_ms: i64,
    pub(crate) claimed_at_ms: i64,
    /// From where to go on.
    pub(crate) position: Option<Position>,
    pub(crate) events: u64,
    pub(crate) parked: u64,
}

/// How far a rebuild is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Projectors are being told.
    Announced,
    /// The events of the store are being handled.
    Replaying,
}

/// A generation that serves no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Retired {
    pub(crate) generation: Generation,
    pub(crate) since_ms: i64,
}

/// A transition that may not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Illegal {
    /// Another rebuild is at work until this moment, if it says nothing more.
    Owned(Timestamp),
    /// This rebuild has been taken over or abandoned.
    NotOwner,
    /// There is no rebuild.
    NotBuilding,
    /// The view is known already.
    Known,
}

impl Default for ControlState {
    /// A view that nobody has ever touched: its first generation has seen every event from the beginning.
    fn default() -> Self {
        Self {
            active: Some(Generation::FIRST),
            newest: Generation::FIRST,
            building: None,
            retired: Vec::new(),
        }
    }
}

impl ControlState {
    /// A view for which events were stored before it was thought of: nothing to show until it is rebuilt.
    pub(crate) fn announced() -> Self {
        Self {
            active: None,
            newest: Generation::NONE,
            ..Self::default()
        }
    }

    /// Begins a rebuild, or takes one over whose owner has fallen silent.
    pub(crate) fn claim(mut self, owner: &str, now: Timestamp, until: Timestamp) -> Result<Self, Illegal> {
        match &mut self.building {
            Some(building) if building.is_owned_by_another(owner, now) => {
                return Err(Illegal::Owned(Timestamp::from_unix_ms(building.owned_until_ms)));
            }
            Some(building) => {
                owner.clone_into(&mut building.owner);
                building.owned_until_ms = until.unix_ms();
            }
            None => {
                self.newest = self.newest.next();
                self.building = Some(Building {
                    generation: self.newest,
                    phase: Phase::Announced,
                    owner: owner.to_owned(),
                    owned_until_ms: until.unix_ms(),
                    claimed_at_ms: now.unix_ms(),
                    position: None,
                    events: 0,
                    parked: 0,
                });
            }
        }
        Ok(self)
    }

    /// Notes how far the rebuild is, and that its owner lives.
    pub(crate) fn keep(mut self, owner: &str, change: impl FnOnce(&mut Building)) -> Result<Self, Illegal> {
        match &mut self.building {
            Some(building) if building.owner == owner => {
                change(building);
                Ok(self)
            }
            _ => Err(Illegal::NotOwner),
        }
    }

    /// What was built serves from now on. Once more changes nothing.
    pub(crate) fn switch(mut self, owner: &str, built: Generation, now: Timestamp) -> Result<Self, Illegal> {
        match self.building.take() {
            Some(building) if building.owner == owner => {
                let before = self.active.replace(building.generation);
                self.retire(before, now);
                Ok(self)
            }
            None if self.active == Some(built) => Ok(self),
            _ => Err(Illegal::NotOwner),
        }
    }

    /// What was being built is given up, unless somebody is at work on it.
    pub(crate) fn abandon(mut self, now: Timestamp) -> Result<Self, Illegal> {
        match self.building.take() {
            None => Err(Illegal::NotBuilding),
            Some(building) if building.is_owned_by_another("", now) => {
                Err(Illegal::Owned(Timestamp::from_unix_ms(building.owned_until_ms)))
            }
            Some(building) => {
                self.retire(Some(building.generation), now);
                Ok(self)
            }
        }
    }

    /// The rows of a retired generation are gone.
    pub(crate) fn cleaned(mut self, generation: Generation) -> Self {
        self.retired.retain(|retired| retired.generation != generation);
        self
    }

    fn retire(&mut self, generation: Option<Generation>, now: Timestamp) {
        self.retired.extend(generation.map(|generation| Retired {
            generation,
            since_ms: now.unix_ms(),
        }));
    }
}

impl Building {
    pub(crate) fn is_owned_by_another(&self, owner: &str, now: Timestamp) -> bool {
        self.owner != owner && self.owned_until_ms > now.unix_ms()
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Announced => "announced",
            Self::Replaying => "replaying",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_ms(seconds * 1000)
    }

    fn claimed(owner: &str) -> ControlState {
        ControlState::default().claim(owner, at(0), at(60)).unwrap()
    }

    #[test]
    fn a_view_goes_from_one_generation_to_the_next() {
        let state = claimed("me").switch("me", Generation::FIRST.next(), at(9)).unwrap();
        assert_eq!((state.active, &state.building), (Some(Generation::FIRST.next()), &None));
        let retired = Retired {
            generation: Generation::FIRST,
            since_ms: 9_000,
        };
        assert_eq!(state.retired, [retired]);
        let cleaned = ControlState {
            retired: Vec::new(),
            ..state.clone()
        };
        assert_eq!(state.clone().cleaned(Generation::FIRST), cleaned);
        assert_eq!(state.clone().cleaned(Generation::FIRST.next()), state, "it serves");
    }

    #[test]
    fn only_one_rebuild_is_at_work() {
        let state = claimed("one");
        assert_eq!(state.clone().claim("two", at(59), at(99)), Err(Illegal::Owned(at(60))));
        let taken_over = state.claim("two", at(60), at(120)).unwrap();
        assert_eq!(
            taken_over.newest,
            Generation::FIRST.next(),
            "it goes on with what was begun"
        );
        assert_eq!(taken_over.clone().keep("one", |_| ()), Err(Illegal::NotOwner));
        let generation = Generation::FIRST.next();
        assert_eq!(taken_over.switch("one", generation, at(61)), Err(Illegal::NotOwner));
    }

    #[test]
    fn what_was_never_built_is_not_switched_to() {
        let state = ControlState::default();
        let next = Generation::FIRST.next();
        assert_eq!(state.switch("me", next, at(1)), Err(Illegal::NotOwner));
    }

    #[test]
    fn switching_once_more_changes_nothing() {
        let switched = claimed("me").switch("me", Generation::FIRST.next(), at(9)).unwrap();
        assert_eq!(
            switched.clone().switch("me", Generation::FIRST.next(), at(10)),
            Ok(switched)
        );
    }

    #[test]
    fn an_abandoned_generation_is_never_built_again() {
        assert_eq!(ControlState::default().abandon(at(1)), Err(Illegal::NotBuilding));
        let state = claimed("crashed");
        assert_eq!(state.clone().abandon(at(59)), Err(Illegal::Owned(at(60))));
        let state = state.abandon(at(61)).unwrap().claim("new", at(62), at(99)).unwrap();
        assert_eq!(state.active, Some(Generation::FIRST));
        assert_eq!(state.building.map(|building| building.generation.number()), Some(3));
    }

    #[test]
    fn an_announced_view_shows_nothing_until_it_is_built() {
        let state = ControlState::announced().claim("me", at(0), at(60)).unwrap();
        assert_eq!(state.active, None);
        let state = state.switch("me", Generation::FIRST, at(1)).unwrap();
        assert_eq!((state.active, state.retired), (Some(Generation::FIRST), Vec::new()));
    }
}
