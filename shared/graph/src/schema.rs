use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use graphql_tools::static_graphql::schema::{
    Definition, DirectiveDefinition, Document, Field, InputValue, TypeDefinition,
};

/// The schema that callers see, by the names of its types.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) document: Arc<Document>,
    types: HashMap<String, Type>,
    pub(crate) query: String,
    pub(crate) mutation: Option<String>,
}

/// A type with its fields by name.
#[derive(Debug)]
pub(crate) struct Type {
    pub(crate) definition: TypeDefinition,
    fields: HashMap<String, Field>,
    /// The object types that an interface or a union stands for; an object type stands for itself.
    pub(crate) possible: HashSet<String>,
}

impl Schema {
    pub(crate) fn of(document: &Arc<Document>) -> Self {
        let definitions = || {
            document.definitions.iter().filter_map(|definition| match definition {
                Definition::TypeDefinition(definition) => Some(definition),
                _ => None,
            })
        };
        let mut types: HashMap<String, Type> = definitions()
            .map(|definition| (definition.name().to_owned(), Type::of(definition)))
            .collect();
        for definition in definitions() {
            let TypeDefinition::Object(object) = definition else {
                continue;
            };
            for interface in &object.implements_interfaces {
                if let Some(interface) = types.get_mut(interface) {
                    interface.possible.insert(object.name.clone());
                }
            }
        }
        let mutation = document.mutation_type().map(|mutation| mutation.name.clone());
        Self {
            query: document.query_type().name.clone(),
            mutation,
            types,
            document: Arc::clone(document),
        }
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Type> {
        self.types.get(name)
    }

    /// The field of an object type or an interface, as callers ask for it.
    pub(crate) fn field(&self, type_name: &str, field: &str) -> Option<&Field> {
        self.types.get(type_name)?.fields.get(field)
    }

    /// Whether an object of type `name` meets the condition `on condition`.
    pub(crate) fn meets(&self, name: &str, condition: &str) -> bool {
        name == condition
            || self
                .types
                .get(condition)
                .is_some_and(|kind| kind.possible.contains(name))
    }

    pub(crate) fn is_object(&self, name: &str) -> bool {
        self.types
            .get(name)
            .is_some_and(|kind| matches!(kind.definition, TypeDefinition::Object(_)))
    }

    pub(crate) fn directives(&self) -> impl Iterator<Item = &DirectiveDefinition> {
        self.document
            .definitions
            .iter()
            .filter_map(|definition| match definition {
                Definition::DirectiveDefinition(directive) => Some(directive),
                _ => None,
            })
    }

    /// All types, in the order of the document.
    pub(crate) fn types(&self) -> impl Iterator<Item = &Type> {
        let names = self
            .document
            .definitions
            .iter()
            .filter_map(|definition| match definition {
                Definition::TypeDefinition(definition) => Some(definition.name()),
                _ => None,
            });
        names.filter_map(|name| self.types.get(name))
    }
}

impl Type {
    fn of(definition: &TypeDefinition) -> Self {
        let (fields, possible): (&[Field], HashSet<String>) = match definition {
            TypeDefinition::Object(object) => (&object.fields, HashSet::from([object.name.clone()])),
            TypeDefinition::Interface(interface) => (&interface.fields, HashSet::new()),
            TypeDefinition::Union(union) => (&[], union.types.iter().cloned().collect()),
            _ => (&[], HashSet::new()),
        };
        Self {
            fields: fields.iter().map(|field| (field.name.clone(), field.clone())).collect(),
            definition: definition.clone(),
            possible,
        }
    }

    /// The fields of an input object; none of any other type.
    pub(crate) fn input_fields(&self) -> &[InputValue] {
        match &self.definition {
            TypeDefinition::InputObject(object) => &object.fields,
            _ => &[],
        }
    }
}
