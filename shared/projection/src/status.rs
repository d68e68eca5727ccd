use onecommit_environment::Timestamp;
use serde::Serialize;

use crate::control::state::{Building, Phase};
use crate::control::{ControlError, Known, ViewControl};
use crate::lag::Lag;
use crate::name::{Generation, ViewName};

/// How a view is, for an operator.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ViewStatus {
    /// The view.
    pub name: String,
    /// The generation that readers see; none, when the view has never been built.
    pub active: Option<Generation>,
    /// The rebuild that is under way, or waits to be gone on with.
    pub building: Option<BuildingStatus>,
    /// Generations that serve no more and whose rows have not been deleted yet.
    pub retired: Vec<Generation>,
    /// How far behind it was when a projector told last; none, when none ever has.
    pub lag: Option<Lag>,
}

/// How a rebuild is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildingStatus {
    /// The generation that it makes.
    pub generation: Generation,
    /// How far it is.
    pub phase: Phase,
    /// Whether somebody is at work on it. If not, run the rebuild again: it goes on where it was.
    pub is_running: bool,
    /// When it was begun, in milliseconds since 1970.
    pub claimed_at_ms: i64,
    /// How many events it has handled; those that were told again after a crash count again.
    pub events: u64,
    /// How many events it could not handle.
    pub parked: u64,
}

impl ViewControl {
    /// How the views are: those of these names, and whichever others have a control row. One request.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn status(&self, views: &[ViewName]) -> Result<Vec<ViewStatus>, ControlError> {
        let (known, now) = (self.known().await?, self.environment().clock().now());
        let mut names: Vec<ViewName> = views.to_vec();
        names.extend(known.names().filter_map(|name| ViewName::new(name).ok()));
        names.sort_unstable();
        names.dedup();
        Ok(names.iter().map(|name| status_of(name, &known, now)).collect())
    }
}

fn status_of(name: &ViewName, known: &Known, now: Timestamp) -> ViewStatus {
    let state = known.state(name);
    ViewStatus {
        name: name.to_string(),
        active: state.active,
        building: state.building.map(|building| building_status(&building, now)),
        retired: state.retired.iter().map(|retired| retired.generation).collect(),
        lag: known.lags.get(name.as_str()).copied(),
    }
}

fn building_status(building: &Building, now: Timestamp) -> BuildingStatus {
    BuildingStatus {
        generation: building.generation,
        phase: building.phase,
        is_running: building.owned_until_ms > now.unix_ms(),
        claimed_at_ms: building.claimed_at_ms,
        events: building.events,
        parked: building.parked,
    }
}
