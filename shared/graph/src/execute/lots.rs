use std::collections::HashMap;

use hive_router_query_planner::ast::selection_set::SelectionSet;
use hive_router_query_planner::planner::plan_nodes::{BatchFetchNode, FetchNode, FetchRewrite, FlattenNodePath};
use serde_json::{Map, Value};

use super::failures::Failures;
use super::keys;
use super::places::visit;
use super::requires::representation;
use super::rewrites;
use crate::error::Segment;
use crate::possible_types::PossibleTypes;

/// What is asked of entities of one kind: under which alias, for which places, of what.
pub(super) struct Wanted<'a> {
    alias: &'a str,
    variable: &'a str,
    paths: &'a [FlattenNodePath],
    requires: &'a SelectionSet,
    input_rewrites: &'a [FetchRewrite],
    output_rewrites: &'a [FetchRewrite],
    keys: Vec<String>,
}

impl<'a> Wanted<'a> {
    /// Of a fetch for one path.
    pub(super) fn of_fetch(fetch: &'a FetchNode, requires: &'a SelectionSet, path: &'a FlattenNodePath) -> Self {
        Self::new(
            ("_entities", "representations"),
            std::slice::from_ref(path),
            requires,
            (fetch.input_rewrites.as_deref(), fetch.output_rewrites.as_deref()),
            &fetch.operation.document.operation.selection_set,
        )
    }

    /// Of a fetch of several kinds in one request.
    pub(super) fn of_batch(fetch: &'a BatchFetchNode) -> Vec<Self> {
        let aliases = fetch.entity_batch.aliases.iter().map(|alias| {
            Self::new(
                (&alias.alias, &alias.representations_variable_name),
                &alias.merge_paths,
                &alias.requires,
                (alias.input_rewrites.as_deref(), alias.output_rewrites.as_deref()),
                &fetch.operation.document.operation.selection_set,
            )
        });
        aliases.collect()
    }

    fn new(
        (alias, variable): (&'a str, &'a str),
        paths: &'a [FlattenNodePath],
        requires: &'a SelectionSet,
        (input_rewrites, output_rewrites): (Option<&'a [FetchRewrite]>, Option<&'a [FetchRewrite]>),
        operation: &SelectionSet,
    ) -> Self {
        let output_rewrites = output_rewrites.unwrap_or_default();
        let selected = keys::of_entities(operation, alias);
        Self {
            alias,
            variable,
            paths,
            requires,
            input_rewrites: input_rewrites.unwrap_or_default(),
            output_rewrites,
            keys: selected
                .map(|selected| keys::keys(selected, output_rewrites))
                .unwrap_or_default(),
        }
    }
}

/// The places of an answer that wait for entities of one alias, each with the number of its representation.
pub(super) struct Lot<'a> {
    pub(super) alias: &'a str,
    pub(super) variable: &'a str,
    pub(super) places: Vec<(usize, Vec<Segment>)>,
    pub(super) keys: Vec<String>,
    pub(super) output_rewrites: &'a [FetchRewrite],
}

/// Representations by the variables they are sent in. What is wanted twice is asked for once.
#[derive(Default)]
pub(super) struct Representations<'a>(HashMap<&'a str, List>);

#[derive(Default)]
struct List {
    numbers: HashMap<String, usize>,
    values: Vec<Value>,
}

impl<'a> Representations<'a> {
    fn number(&mut self, variable: &'a str, value: Value) -> usize {
        let list = self.0.entry(variable).or_default();
        let next = list.values.len();
        let number = *list.numbers.entry(value.to_string()).or_insert(next);
        if number == next {
            list.values.push(value);
        }
        number
    }

    pub(super) fn len(&self, variable: &str) -> usize {
        self.0.get(variable).map_or(0, |list| list.numbers.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.values().all(|list| list.numbers.is_empty())
    }

    /// Moves the lists into the variables of a request.
    pub(super) fn move_into(&mut self, variables: &mut Map<String, Value>) {
        for (variable, list) in &mut self.0 {
            variables.insert((*variable).to_owned(), Value::Array(std::mem::take(&mut list.values)));
        }
    }
}

/// Finds the entities that a fetch is for.
///
/// One that lacks what the subgraph needs because another fetch failed is not asked for: the subgraph would work with
/// half of it. Its fields fail for the same reason.
pub(super) fn collect<'a>(
    wanted: Vec<Wanted<'a>>,
    data: &Value,
    types: &PossibleTypes,
    failures: &mut Failures,
) -> (Vec<Lot<'a>>, Representations<'a>) {
    let mut representations = Representations::default();
    let mut lots = Vec::with_capacity(wanted.len());
    for wanted in wanted {
        let mut places = Vec::new();
        for path in wanted.paths {
            visit(data, path.as_slice(), types, &mut Vec::new(), &mut |entity, place| {
                let rewritten = (!wanted.input_rewrites.is_empty()).then(|| {
                    let mut entity = entity.clone();
                    rewrites::apply(wanted.input_rewrites, types, &mut entity);
                    entity
                });
                let entity = rewritten.as_ref().unwrap_or(entity);
                let Some(found) = representation(types, &wanted.requires.items, entity) else {
                    return;
                };
                match failures.below(place).filter(|_| found.is_partial) {
                    Some(failure) => {
                        for key in &wanted.keys {
                            failures.at(below(place, key), failure);
                        }
                    }
                    None => places.push((representations.number(wanted.variable, found.value), place.to_vec())),
                }
            });
        }
        lots.push(Lot {
            alias: wanted.alias,
            variable: wanted.variable,
            places,
            keys: wanted.keys,
            output_rewrites: wanted.output_rewrites,
        });
    }
    (lots, representations)
}

/// The place of a field of an object.
pub(super) fn below(place: &[Segment], key: &str) -> Vec<Segment> {
    let mut below = Vec::with_capacity(place.len() + 1);
    below.extend_from_slice(place);
    below.push(Segment::Key(key.to_owned()));
    below
}
