use std::cell::RefCell;
use std::rc::Rc;

use graphql_tools::static_graphql::query::{Document, SelectionSet};
use graphql_tools::static_graphql::schema::{Type, TypeDefinition};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::fields::{Group, Selections};
use super::introspection;
use super::leaf;
use super::shown::Shown;
use crate::codes;
use crate::error::{GraphError, Segment};
use crate::execute::Failures;
use crate::schema::Schema;

/// What is shown of what was fetched.
pub(crate) struct View<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) document: &'a Document,
    pub(crate) selections: &'a SelectionSet,
    pub(crate) variables: &'a Map<String, Value>,
    /// The name of the root type.
    pub(crate) root: &'a str,
}

/// The answer's `data`, as JSON, and its errors.
pub(crate) fn view(
    view: &View<'_>,
    mut data: Map<String, Value>,
    failures: Failures,
) -> (Box<RawValue>, Vec<GraphError>) {
    let selections = Selections::new(view.schema, view.document, view.variables);
    let root = selections.of(std::iter::once(view.selections), view.root);
    for group in &root {
        if let Some(value) = introspection::root(view.schema, &selections, group) {
            data.insert(group.key.to_owned(), value);
        }
    }
    let mut projection = Projection {
        schema: view.schema,
        selections: &selections,
        failures,
        errors: Vec::new(),
        place: Vec::new(),
    };
    let root: Level<'_> = Rc::new(root.into_iter().map(Entry::from).collect());
    let shown = match projection.object(view.root, &root, &data) {
        Ok(shown) => shown,
        Err(Nothing) => projection.null(),
    };
    let json = serde_json::value::to_raw_value(&shown).unwrap_or_else(|_| RawValue::NULL.to_owned());
    drop(shown);
    let Projection {
        mut errors, failures, ..
    } = projection;
    errors.extend(failures.rest());
    (json, errors)
}

/// A null where null is not allowed: the object around it is null, too.
struct Nothing;

type Level<'a> = Rc<Vec<Entry<'a>>>;

/// A field of the answer. What is selected below depends on the type of the object, and is found once for each type.
struct Entry<'a> {
    group: Group<'a>,
    below: RefCell<Vec<(&'a str, Level<'a>)>>,
}

impl<'a> From<Group<'a>> for Entry<'a> {
    fn from(group: Group<'a>) -> Self {
        Self {
            group,
            below: RefCell::default(),
        }
    }
}

impl<'a> Entry<'a> {
    fn below(&self, selections: &Selections<'a>, type_name: &'a str) -> Level<'a> {
        let mut known = self.below.borrow_mut();
        if let Some((_, level)) = known.iter().find(|(name, _)| *name == type_name) {
            return Rc::clone(level);
        }
        let groups = selections.of(self.group.below(), type_name);
        let level: Level<'a> = Rc::new(groups.into_iter().map(Entry::from).collect());
        known.push((type_name, Rc::clone(&level)));
        level
    }
}

/// A step of the place that is being shown.
#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

struct Projection<'a, 's> {
    schema: &'a Schema,
    selections: &'s Selections<'a>,
    failures: Failures,
    errors: Vec<GraphError>,
    place: Vec<Step<'a>>,
}

impl<'a> Projection<'a, '_> {
    fn object(
        &mut self,
        type_name: &'a str,
        level: &Level<'a>,
        members: &'a Map<String, Value>,
    ) -> Result<Shown<'a>, Nothing> {
        let mut fields = Vec::with_capacity(level.len());
        for entry in level.iter() {
            let Group { key, first, .. } = &entry.group;
            if first.name == "__typename" {
                if !self.schema.is_object(type_name) {
                    let _ = self.misfit();
                    return Err(Nothing);
                }
                fields.push((*key, Shown::Name(type_name)));
                continue;
            }
            let Some(field) = self.schema.field(type_name, &first.name) else {
                continue;
            };
            self.place.push(Step::Key(key));
            let shown = self.value(&field.field_type, entry, members.get(*key));
            self.place.pop();
            fields.push((*key, shown?));
        }
        Ok(Shown::Object(fields))
    }

    fn value(&mut self, kind: &'a Type, entry: &Entry<'a>, value: Option<&'a Value>) -> Result<Shown<'a>, Nothing> {
        match kind {
            Type::NonNullType(kind) => {
                let before = self.errors.len();
                let shown = self.value(kind, entry, value)?;
                if !shown.is_null() {
                    return Ok(shown);
                }
                if self.errors.len() == before && !self.failures.explains(&self.place()) {
                    self.error("there is no value for a field that always has one");
                }
                Err(Nothing)
            }
            kind => Ok(self.nullable(kind, entry, value)),
        }
    }

    fn nullable(&mut self, kind: &'a Type, entry: &Entry<'a>, value: Option<&'a Value>) -> Shown<'a> {
        let shown = match (kind, value) {
            (_, None | Some(Value::Null)) => Err(Nothing),
            (Type::ListType(kind), Some(Value::Array(entries))) => self.list(kind, entry, entries),
            (Type::NamedType(name), Some(value)) => self.named(name, entry, value),
            _ => self.misfit(),
        };
        shown.unwrap_or_else(|Nothing| self.null())
    }

    fn list(&mut self, kind: &'a Type, entry: &Entry<'a>, entries: &'a [Value]) -> Result<Shown<'a>, Nothing> {
        let mut list = Vec::with_capacity(entries.len());
        for (index, value) in entries.iter().enumerate() {
            self.place.push(Step::Index(index));
            let shown = self.value(kind, entry, Some(value));
            self.place.pop();
            list.push(shown?);
        }
        Ok(Shown::List(list))
    }

    fn named(&mut self, name: &'a str, entry: &Entry<'a>, value: &'a Value) -> Result<Shown<'a>, Nothing> {
        let Some(kind) = self.schema.named(name) else {
            return self.misfit();
        };
        let is_abstract = match &kind.definition {
            TypeDefinition::Object(_) => false,
            TypeDefinition::Interface(_) | TypeDefinition::Union(_) => true,
            definition if leaf::fits(definition, value) => return Ok(Shown::Leaf(value)),
            _ => return self.misfit(),
        };
        let Value::Object(members) = value else {
            return self.misfit();
        };
        let said = members.get("__typename").and_then(Value::as_str);
        let type_name = match said {
            _ if !is_abstract => name,
            Some(said) if kind.possible.contains(said) => said,
            // The plan does not ask for the type where the query does not depend on it, and a subgraph that knows an
            // interface as one type says the interface's name.
            None => name,
            Some(said) if said == name => name,
            Some(_) => return self.misfit(),
        };
        let level = entry.below(self.selections, type_name);
        self.object(type_name, &level, members)
    }

    /// A value that is not one of its type.
    fn misfit(&mut self) -> Result<Shown<'a>, Nothing> {
        self.error("the subgraph's value is not one of the field's type");
        Err(Nothing)
    }

    /// A null, with the errors that say why.
    fn null(&mut self) -> Shown<'a> {
        if self.failures.is_empty() {
            return Shown::Null;
        }
        let errors = self.failures.give(&self.place());
        self.errors.extend(errors);
        Shown::Null
    }

    fn error(&mut self, message: &str) {
        let error = GraphError::new(codes::VALUE, message).at(self.place());
        self.errors.push(error);
    }

    fn place(&self) -> Vec<Segment> {
        let steps = self.place.iter().map(|step| match step {
            Step::Key(key) => Segment::Key((*key).to_owned()),
            Step::Index(index) => Segment::Index(*index),
        });
        steps.collect()
    }
}
