use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::action::Action;
use super::plan::{CancelPlan, StartPlan, StepPlan, Typed};
use super::{Cancels, Definition, DefinitionError, Starts};
use crate::machine::{Role, Shape, StepShape};

/// The beginning of a definition.
#[derive(Clone, Debug)]
#[must_use = "a definition is built from it"]
pub struct Saga {
    name: String,
    version: u32,
}

impl Saga {
    /// Version `version` of the saga `name`.
    ///
    /// Sagas under way finish under the version they began with, so a version that is deployed never changes its steps;
    /// a new one is registered beside it until the last saga of the old one has ended.
    pub fn named(name: impl Into<String>, version: u32) -> Self {
        Self {
            name: name.into(),
            version,
        }
    }

    /// Every event of this type starts one, unless it says otherwise.
    pub fn started_by<D, P: Starts<D>>(self) -> Steps<D, BeforePivot> {
        Steps {
            saga: self,
            start: StartPlan::of::<P>(),
            cancel: None,
            shapes: Vec::new(),
            plans: Vec::new(),
            stages: 0,
            place: PhantomData,
        }
    }
}

/// Steps so far, none of which is the pivot: each can be compensated.
#[derive(Clone, Copy, Debug)]
pub struct BeforePivot;

/// Steps so far, the pivot among them: from here on each is tried until it succeeds.
#[derive(Clone, Copy, Debug)]
pub struct AfterPivot;

/// A definition in the making. Its type knows which steps may come next.
#[must_use = "steps do nothing until they are built"]
pub struct Steps<D, Place> {
    saga: Saga,
    start: StartPlan<D>,
    cancel: Option<CancelPlan>,
    shapes: Vec<StepShape>,
    plans: Vec<StepPlan<D>>,
    stages: usize,
    place: PhantomData<Place>,
}

/// A step: what is done. After the pivot that is enough.
#[derive(Debug)]
#[must_use = "a step is part of a saga"]
pub struct Step<D> {
    name: String,
    action: Action<D>,
}

/// A step before the pivot: what is done, and what undoes it.
#[derive(Debug)]
#[must_use = "a step is part of a saga"]
pub struct Compensatable<D> {
    step: Step<D>,
    undo: Action<D>,
}

/// The pivot: if it succeeds, the saga is completed; if not, all earlier steps are compensated.
#[derive(Debug)]
#[must_use = "a step is part of a saga"]
pub struct Pivot<D> {
    step: Step<D>,
    undo: Action<D>,
}

/// A step of this name, done so.
pub fn step<D>(name: impl Into<String>, action: Action<D>) -> Step<D> {
    Step {
        name: name.into(),
        action,
    }
}

impl<D> Step<D> {
    /// Its compensation, if the saga turns back after it succeeded, or if its outcome is unknown.
    pub fn compensated_by(self, undo: Action<D>) -> Compensatable<D> {
        Compensatable { step: self, undo }
    }

    /// For a pivot: the command that undoes it if its outcome is unknown. A pivot that is known to have succeeded is
    /// never undone; one that was abandoned, and succeeds after all, is.
    pub fn undone_by(self, undo: Action<D>) -> Pivot<D> {
        Pivot { step: self, undo }
    }
}

impl<D> Steps<D, BeforePivot> {
    /// Next, this step.
    pub fn compensatable(self, step: Compensatable<D>) -> Self {
        self.compensatable_together([step])
    }

    /// Next, these steps side by side; what follows waits for all of them.
    pub fn compensatable_together(self, steps: impl IntoIterator<Item = Compensatable<D>>) -> Self {
        let steps = steps.into_iter();
        self.stage(steps.map(|step| (Role::Compensatable, step.step, Some(step.undo))))
    }

    /// Next, the step that decides.
    pub fn pivot(self, pivot: Pivot<D>) -> Steps<D, AfterPivot> {
        let steps = self.stage([(Role::Pivot, pivot.step, Some(pivot.undo))]);
        Steps {
            saga: steps.saga,
            start: steps.start,
            cancel: steps.cancel,
            shapes: steps.shapes,
            plans: steps.plans,
            stages: steps.stages,
            place: PhantomData,
        }
    }
}

impl<D> Steps<D, AfterPivot> {
    /// Next, this step, tried until it succeeds.
    pub fn retriable(self, step: Step<D>) -> Self {
        self.retriable_together([step])
    }

    /// Next, these steps side by side; what follows waits for all of them.
    pub fn retriable_together(self, steps: impl IntoIterator<Item = Step<D>>) -> Self {
        let steps = steps.into_iter();
        self.stage(steps.map(|step| (Role::Retriable, step, None)))
    }
}

impl<D, Place> Steps<D, Place> {
    /// An event of this type requests the cancellation of the saga. One that arrives before the saga has started waits.
    pub fn cancelled_by<P: Cancels<D>>(mut self) -> Self {
        self.cancel = Some(CancelPlan::of::<D, P>());
        self
    }

    fn stage(mut self, steps: impl IntoIterator<Item = (Role, Step<D>, Option<Action<D>>)>) -> Self {
        let before = self.shapes.len();
        for (role, step, undo) in steps {
            self.shapes.push(StepShape {
                name: step.name,
                stage: self.stages,
                role,
                action: step.action.policy.clone(),
                undo: undo.as_ref().map(|undo| undo.policy.clone()),
            });
            self.plans.push(StepPlan {
                action: step.action,
                undo,
            });
        }
        // A stage of no steps is none.
        self.stages += usize::from(self.shapes.len() > before);
        self
    }
}

impl<D: Serialize + DeserializeOwned + Send + Sync + 'static, Place> Steps<D, Place> {
    /// The definition.
    ///
    /// A saga without a pivot can be cancelled until its last step has succeeded.
    ///
    /// # Errors
    /// See [`DefinitionError`]. Definitions are made when a program starts, so it does not start with a wrong one.
    pub fn build(self) -> Result<Definition, DefinitionError> {
        let plan = Typed {
            start: self.start,
            cancel: self.cancel,
            steps: self.plans,
        };
        let shape = Shape { steps: self.shapes };
        Definition::checked(self.saga.name, self.saga.version, shape, Arc::new(plan))
    }
}

impl<D, Place> fmt::Debug for Steps<D, Place> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Steps")
            .field("saga", &self.saga)
            .field("shapes", &self.shapes)
            .finish_non_exhaustive()
    }
}
