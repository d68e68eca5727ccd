use onecommit_environment::Timestamp;
use serde::Serialize;

use crate::control::state::{Building, Phase};
use crate::control::{ControlError, Known, ViewControl};
use crate::lag::Lag;
use crate::name::{Generation, ViewName};

/// The state of a view, for an operator.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ViewStatus {
    /// The view.
    pub name: String,
    /// The generation that readers see; none, when the view has never been built.
    pub active: Option<Generation>,
    /// The rebuild that is running, or can be continued.
    pub building: Option<BuildingStatus>,
    /// Retired generations whose rows are not deleted yet.
    pub retired: Vec<Generation>,
    /// The last lag that a projector stored, if any.
    pub lag: Option<Lag>,
}

/// The state of a rebuild.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildingStatus {
    /// The generation that it makes.
    pub generation: Generation,
    /// Its phase.
    pub phase: Phase,
    /// Whether it is running. If not, run the rebuild again to continue it.
    pub is_running: bool,
    /// When it was begun, in milliseconds since 1970.
    pub claimed_at_ms: i64,
    /// How many events it has handled; those that were repeated after a crash count again.
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
