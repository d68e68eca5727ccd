use std::collections::BTreeMap;

use crate::definition::{Definition, DefinitionError, EventTypes};
use crate::error::SagaError;
use crate::requests::is_reserved;
use crate::row::SagaRow;

/// The definitions by name and version, and who wants which event.
pub(crate) struct Registry {
    sagas: BTreeMap<String, BTreeMap<u32, Definition>>,
}

impl Registry {
    pub(crate) fn of(definitions: impl IntoIterator<Item = Definition>) -> Result<Self, DefinitionError> {
        let mut sagas: BTreeMap<String, BTreeMap<u32, Definition>> = BTreeMap::new();
        for definition in definitions {
            let (saga, version) = (definition.name().to_owned(), definition.version());
            if let Some(event_type) = definition.event_types().into_iter().find(|name| is_reserved(name)) {
                return Err(DefinitionError::Reserved { saga, event_type });
            }
            if sagas
                .entry(saga.clone())
                .or_default()
                .insert(version, definition)
                .is_some()
            {
                return Err(DefinitionError::SameVersionTwice(saga, version));
            }
        }
        // What starts the newest version must not answer an older one: one event would be two transitions of one saga.
        for (name, versions) in &sagas {
            let started_by = versions.values().next_back().map(|newest| newest.plan.started_by().0);
            let answers_one = |event_type: &&str| versions.values().any(|one| one.answers().contains_key(*event_type));
            if let Some(event_type) = started_by.filter(answers_one) {
                let saga = name.clone();
                return Err(DefinitionError::StartAnswers { saga, event_type });
            }
        }
        Ok(Self { sagas })
    }

    /// Whether sagas of this name are run here.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.sagas.contains_key(name)
    }

    /// The newest definitions that an event starts sagas of.
    pub(crate) fn started_by(&self, event_type: &str) -> impl Iterator<Item = &Definition> {
        let newest = self.sagas.values().filter_map(|versions| versions.values().next_back());
        newest.filter(move |definition| definition.plan.started_by().0 == event_type)
    }

    /// Of each name, the newest definition that an event answers.
    pub(crate) fn answered_by(&self, event_type: &str) -> impl Iterator<Item = &Definition> {
        let knows = move |definition: &&Definition| definition.answers().contains_key(event_type);
        self.sagas
            .values()
            .filter_map(move |versions| versions.values().rev().find(knows))
    }

    /// The newest definitions that an event cancels sagas of.
    pub(crate) fn cancelled_by(&self, event_type: &str) -> impl Iterator<Item = &Definition> {
        let knows = move |definition: &&Definition| {
            let cancelled_by = definition.plan.cancelled_by();
            cancelled_by.is_some_and(|(name, _)| name == event_type)
        };
        self.sagas
            .values()
            .filter_map(move |versions| versions.values().rev().find(knows))
    }

    /// What a saga runs under.
    pub(crate) fn of_row(&self, row: &SagaRow) -> Result<&Definition, SagaError> {
        let versions = self.sagas.get(row.saga.kind());
        let definition = versions.and_then(|versions| versions.get(&row.definition_version));
        let (saga, version) = (|| row.saga.to_string(), row.definition_version);
        match definition {
            None => Err(SagaError::UnknownVersion { saga: saga(), version }),
            Some(definition) if definition.steps().count() != row.progress.steps.len() => {
                Err(SagaError::StepsChanged { saga: saga(), version })
            }
            Some(definition) => Ok(definition),
        }
    }

    /// All event types that start, answer or cancel sagas, with their newest schema.
    pub(crate) fn event_types(&self) -> impl Iterator<Item = (&'static str, u32)> + use<> {
        let mut types = EventTypes::new();
        for versions in self.sagas.values() {
            let newest = versions.values().next_back();
            let starts = newest.map(|newest| newest.plan.started_by());
            let answers = versions.values().flat_map(Definition::answers);
            let answers = answers.map(|(event_type, schema_version)| (*event_type, *schema_version));
            let cancels = versions.values().filter_map(|version| version.plan.cancelled_by());
            for (event_type, schema_version) in answers.chain(starts).chain(cancels) {
                let known = types.entry(event_type).or_default();
                *known = schema_version.max(*known);
            }
        }
        types.into_iter()
    }

    pub(crate) fn makes_calls(&self) -> bool {
        self.sagas
            .values()
            .flat_map(BTreeMap::values)
            .any(Definition::makes_calls)
    }
}
