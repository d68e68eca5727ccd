use std::collections::{HashMap, HashSet};

use graphql_tools::static_graphql::query::{
    Definition, Directive, Document, Field, FragmentDefinition, Selection, SelectionSet, TypeCondition, Value,
};
use serde_json::{Map, Value as Json};

use crate::schema::Schema;

/// The selections of a query, without those that its variables switch off.
pub(super) struct Selections<'a> {
    schema: &'a Schema,
    fragments: HashMap<&'a str, &'a FragmentDefinition>,
    variables: &'a Map<String, Json>,
}

/// The fields that share one name in the answer.
pub(super) struct Group<'a> {
    pub(super) key: &'a str,
    pub(super) first: &'a Field,
    others: Vec<&'a Field>,
}

impl<'a> Group<'a> {
    /// What is selected below, of all of them.
    pub(super) fn below(&self) -> impl Iterator<Item = &'a SelectionSet> {
        let all = std::iter::once(self.first).chain(self.others.iter().copied());
        all.map(|field| &field.selection_set)
    }
}

impl<'a> Selections<'a> {
    pub(super) fn new(schema: &'a Schema, document: &'a Document, variables: &'a Map<String, Json>) -> Self {
        let fragments = document.definitions.iter().filter_map(|definition| match definition {
            Definition::Fragment(fragment) => Some((fragment.name.as_str(), fragment)),
            Definition::Operation(_) => None,
        });
        Self {
            schema,
            fragments: fragments.collect(),
            variables,
        }
    }

    /// The fields of an object of this type, in the order of the query.
    pub(super) fn of(&self, sets: impl Iterator<Item = &'a SelectionSet>, type_name: &str) -> Vec<Group<'a>> {
        let mut groups = Vec::new();
        let mut visited = HashSet::new();
        for set in sets {
            self.collect(set, type_name, &mut groups, &mut visited);
        }
        groups
    }

    fn collect(
        &self,
        set: &'a SelectionSet,
        type_name: &str,
        groups: &mut Vec<Group<'a>>,
        visited: &mut HashSet<&'a str>,
    ) {
        for selection in &set.items {
            match selection {
                Selection::Field(field) if self.includes(&field.directives) => {
                    let key = field.alias.as_deref().unwrap_or(&field.name);
                    match groups.iter_mut().find(|group| group.key == key) {
                        Some(group) => group.others.push(field),
                        None => groups.push(Group {
                            key,
                            first: field,
                            others: Vec::new(),
                        }),
                    }
                }
                Selection::InlineFragment(fragment) if self.includes(&fragment.directives) => {
                    let condition = fragment.type_condition.as_ref();
                    if condition.is_none_or(|TypeCondition::On(condition)| self.schema.meets(type_name, condition)) {
                        self.collect(&fragment.selection_set, type_name, groups, visited);
                    }
                }
                Selection::FragmentSpread(spread) if self.includes(&spread.directives) => {
                    let name = spread.fragment_name.as_str();
                    let Some(fragment) = self.fragments.get(name).filter(|_| visited.insert(name)) else {
                        continue;
                    };
                    let TypeCondition::On(condition) = &fragment.type_condition;
                    if self.schema.meets(type_name, condition) {
                        self.collect(&fragment.selection_set, type_name, groups, visited);
                    }
                }
                _ => {}
            }
        }
    }

    fn includes(&self, directives: &[Directive]) -> bool {
        directives.iter().all(|directive| {
            let condition = || self.argument(&directive.arguments, "if") == Some(Json::Bool(true));
            match directive.name.as_str() {
                "skip" => !condition(),
                "include" => condition(),
                _ => true,
            }
        })
    }

    /// The value of an argument, with the variables put in.
    pub(super) fn argument(&self, arguments: &[(String, Value)], name: &str) -> Option<Json> {
        match arguments.iter().find(|(own, _)| own == name) {
            Some((_, Value::Variable(variable))) => self.variables.get(variable).cloned(),
            Some((_, value)) => crate::query::constant(value),
            None => None,
        }
    }
}
