use std::collections::{BTreeMap, BTreeSet};

use crate::error::{GraphError, Segment};

/// What failed, and which places of the answer have no value for it.
///
/// An error is given to callers where the value is missing that they asked for. What was fetched for the sake of another
/// fetch is not a place of their answer; its failure is theirs once, without a place.
#[derive(Default)]
pub(crate) struct Failures {
    all: Vec<Failure>,
    places: BTreeMap<Vec<Segment>, usize>,
    /// Places without a value because of a failure elsewhere.
    explained: BTreeSet<Vec<Segment>>,
}

struct Failure {
    error: GraphError,
    was_given: bool,
}

impl Failures {
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Notes a failure, and returns its number.
    pub(crate) fn add(&mut self, error: GraphError) -> usize {
        self.all.push(Failure {
            error,
            was_given: false,
        });
        self.all.len() - 1
    }

    /// Notes that the value of a place is missing for this failure. The first one counts.
    pub(crate) fn at(&mut self, place: Vec<Segment>, failure: usize) {
        self.places.entry(place).or_insert(failure);
    }

    /// Notes that a place has no value because of a failure that has a place of its own.
    pub(crate) fn explain(&mut self, place: Vec<Segment>) {
        self.explained.insert(place);
    }

    /// Whether it is known why a place has no value.
    pub(crate) fn explains(&self, place: &[Segment]) -> bool {
        self.explained.contains(place)
    }

    /// The failure because of which something at or below a place is missing.
    pub(crate) fn below(&self, place: &[Segment]) -> Option<usize> {
        let mut from = self.places.range(place.to_vec()..);
        let (found, failure) = from.next()?;
        found.starts_with(place).then_some(*failure)
    }

    /// The errors of the places at or below one that is null.
    pub(crate) fn give(&mut self, place: &[Segment]) -> Vec<GraphError> {
        let from = self.places.range(place.to_vec()..);
        let found: Vec<Vec<Segment>> = from
            .map(|(found, _)| found.clone())
            .take_while(|found| found.starts_with(place))
            .collect();
        let mut errors = Vec::with_capacity(found.len());
        for place in found {
            let Some(number) = self.places.remove(&place) else {
                continue;
            };
            if let Some(failure) = self.all.get_mut(number) {
                failure.was_given = true;
                errors.push(failure.error.clone().at(place));
            }
        }
        errors
    }

    /// The errors that no place was given for.
    pub(crate) fn rest(self) -> impl Iterator<Item = GraphError> {
        let left = self.all.into_iter().filter(|failure| !failure.was_given);
        left.map(|failure| failure.error)
    }
}
