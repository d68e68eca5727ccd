use std::collections::HashMap;

use graphql_tools::static_graphql::query::{
    Definition, Directive, Document, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet, Value,
};
use serde_json::{Map, Value as Json};

use crate::codes;
use crate::error::GraphError;
use crate::limits::GraphLimits;

/// Arguments that say how many entries a list has at most.
const SIZES: [&str; 3] = ["first", "last", "limit"];
/// Lists of the schema of schemas that lead back to themselves, and how often they may be nested: `graphql-js` allows the same.
const META_LISTS: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];
const META_LISTS_MAX: usize = 3;
/// Tools ask for types within types deeper than the limit of queries.
const META_DEPTH_MAX: usize = 20;

/// How much a selection asks for, its fragments written out.
#[derive(Clone, Copy, Default)]
struct Size {
    depth: usize,
    cost: u64,
    fields: usize,
    meta_lists: usize,
}

/// Refuses an operation that asks for more than the limits allow, before anything walks through it that writes its
/// fragments out. Each fragment is measured once, so that the work grows with the length of the text.
pub(super) fn check(
    document: &Document,
    operation: &OperationDefinition,
    variables: &Map<String, Json>,
    limits: &GraphLimits,
) -> Result<(), GraphError> {
    let mut measure = Measure {
        limits,
        variables,
        fragments: HashMap::new(),
        known: HashMap::new(),
        open: Vec::new(),
    };
    for definition in &document.definitions {
        if let Definition::Fragment(fragment) = definition {
            measure.fragments.insert(&fragment.name, fragment);
        }
    }
    for definition in &document.definitions {
        match definition {
            Definition::Fragment(fragment) => {
                measure.directives(&fragment.directives)?;
                measure.fragment(&fragment.name)?;
            }
            Definition::Operation(operation) => {
                measure.directives(operation.directives())?;
                measure.set(operation.selection_set())?;
            }
        }
    }
    let size = measure.set(operation.selection_set())?;
    at_most(codes::DEPTH, "the depth", size.depth, limits.depth)?;
    at_most(
        codes::ROOT_FIELDS,
        "the number of root fields",
        size.fields,
        limits.root_fields,
    )?;
    if size.cost > limits.cost {
        return Err(exceeded(codes::COST, "the cost", limits.cost));
    }
    Ok(())
}

fn at_most(code: &str, what: &str, found: usize, limit: usize) -> Result<(), GraphError> {
    if found <= limit {
        return Ok(());
    }
    Err(exceeded(code, what, limit as u64))
}

fn exceeded(code: &str, what: &str, limit: u64) -> GraphError {
    GraphError::new(
        code,
        format!("{what} of the query exceeds {limit}; ask for less at once"),
    )
}

struct Measure<'a> {
    limits: &'a GraphLimits,
    variables: &'a Map<String, Json>,
    fragments: HashMap<&'a str, &'a FragmentDefinition>,
    known: HashMap<&'a str, Size>,
    /// The fragments that are being measured, to find one within itself.
    open: Vec<&'a str>,
}

impl<'a> Measure<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> Result<Size, GraphError> {
        let mut all = Size::default();
        for selection in &set.items {
            let one = match selection {
                Selection::Field(field) => {
                    self.directives(&field.directives)?;
                    self.field(field)?
                }
                Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.directives)?;
                    self.set(&fragment.selection_set)?
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.directives)?;
                    self.fragment(&spread.fragment_name)?
                }
            };
            all.depth = all.depth.max(one.depth);
            all.cost = all.cost.saturating_add(one.cost);
            all.fields = all.fields.saturating_add(one.fields);
            all.meta_lists = all.meta_lists.max(one.meta_lists);
        }
        Ok(all)
    }

    fn field(&mut self, field: &'a Field) -> Result<Size, GraphError> {
        let below = self.set(&field.selection_set)?;
        let is_meta = matches!(field.name.as_str(), "__schema" | "__type");
        if is_meta {
            let what = "the depth of the introspection";
            at_most(codes::DEPTH, what, below.depth, META_DEPTH_MAX)?;
            at_most(codes::DEPTH, what, below.meta_lists, META_LISTS_MAX)?;
        }
        let is_meta_list = META_LISTS.contains(&field.name.as_str());
        Ok(Size {
            depth: 1 + if is_meta { 0 } else { below.depth },
            cost: below.cost.saturating_mul(self.entries(field)).saturating_add(1),
            fields: 1,
            meta_lists: below.meta_lists + usize::from(is_meta_list),
        })
    }

    fn fragment(&mut self, name: &'a str) -> Result<Size, GraphError> {
        if let Some(known) = self.known.get(name) {
            return Ok(*known);
        }
        if self.open.contains(&name) {
            return Err(GraphError::new(codes::VALIDATION, "a fragment contains itself"));
        }
        // A fragment that does not exist is found by the rules of validation, which name it.
        let Some(fragment) = self.fragments.get(name).copied() else {
            return Ok(Size::default());
        };
        self.open.push(name);
        let size = self.set(&fragment.selection_set)?;
        self.open.pop();
        self.known.insert(name, size);
        Ok(size)
    }

    fn directives(&self, directives: &[Directive]) -> Result<(), GraphError> {
        let what = "the number of directives in one place";
        at_most(codes::DIRECTIVES, what, directives.len(), self.limits.directives)
    }

    /// How many entries a field asks for; 1 when it does not say.
    fn entries(&self, field: &Field) -> u64 {
        let sizes = field
            .arguments
            .iter()
            .filter(|(name, _)| SIZES.contains(&name.as_str()));
        let sizes = sizes.filter_map(|(_, value)| match value {
            Value::Int(number) => number.as_i64().and_then(|number| u64::try_from(number).ok()),
            Value::Variable(name) => self.variables.get(name).and_then(Json::as_u64),
            _ => None,
        });
        sizes.max().unwrap_or(1).max(1)
    }
}
