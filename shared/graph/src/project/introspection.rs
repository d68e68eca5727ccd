use graphql_tools::static_graphql::query::SelectionSet;
use graphql_tools::static_graphql::schema::{
    Directive, DirectiveDefinition, EnumValue, Field, InputValue, Type, TypeDefinition, Value as Literal,
};
use serde_json::{Map, Value};

use super::fields::{Group, Selections};
use crate::schema::Schema;

/// The value of a root field that asks for the schema itself; nothing for other fields.
pub(super) fn root<'a>(schema: &'a Schema, selections: &Selections<'a>, group: &Group<'a>) -> Option<Value> {
    let introspection = Introspection { schema, selections };
    match group.first.name.as_str() {
        "__schema" => Some(introspection.object(Meta::Schema, group.below())),
        "__type" => {
            let name = selections.argument(&group.first.arguments, "name")?;
            let kind = schema.named(name.as_str()?);
            Some(kind.map_or(Value::Null, |kind| {
                introspection.object(Meta::Named(&kind.definition), group.below())
            }))
        }
        _ => None,
    }
}

struct Introspection<'a, 's> {
    schema: &'a Schema,
    selections: &'s Selections<'a>,
}

/// A part of the schema.
#[derive(Clone, Copy)]
enum Meta<'a> {
    Schema,
    Named(&'a TypeDefinition),
    /// A list, or a type without null.
    Wrapped(&'a Type),
    Field(&'a Field),
    Input(&'a InputValue),
    EnumValue(&'a EnumValue),
    Directive(&'a DirectiveDefinition),
}

/// The value of one field of a part.
enum Found<'a> {
    Value(Value),
    One(Meta<'a>),
    Many(Vec<Meta<'a>>),
}

const NULL: Found<'static> = Found::Value(Value::Null);

impl<'a> Introspection<'a, '_> {
    fn object(&self, meta: Meta<'a>, sets: impl Iterator<Item = &'a SelectionSet>) -> Value {
        let mut object = Map::new();
        for group in self.selections.of(sets, meta.type_name()) {
            let value = match self.field(meta, &group) {
                Found::Value(value) => value,
                Found::One(meta) => self.object(meta, group.below()),
                Found::Many(all) => all.into_iter().map(|meta| self.object(meta, group.below())).collect(),
            };
            object.insert(group.key.to_owned(), value);
        }
        Value::Object(object)
    }

    fn field(&self, meta: Meta<'a>, group: &Group<'a>) -> Found<'a> {
        let name = group.first.name.as_str();
        match meta {
            Meta::Schema => self.of_schema(name),
            Meta::Named(kind) => self.of_type(kind, name, group),
            Meta::Wrapped(kind) => self.of_wrapped(kind, name),
            Meta::Field(field) => match name {
                "name" => text(&field.name),
                "description" => optional(field.description.as_deref()),
                "args" => inputs(&field.arguments, self.deprecated(group)),
                "type" => self.typed(&field.field_type),
                name => deprecation(&field.directives, name),
            },
            Meta::Input(input) => match name {
                "name" => text(&input.name),
                "description" => optional(input.description.as_deref()),
                "type" => self.typed(&input.value_type),
                "defaultValue" => optional(input.default_value.as_ref().map(ToString::to_string).as_deref()),
                name => deprecation(&input.directives, name),
            },
            Meta::EnumValue(value) => match name {
                "name" => text(&value.name),
                "description" => optional(value.description.as_deref()),
                name => deprecation(&value.directives, name),
            },
            Meta::Directive(directive) => match name {
                "name" => text(&directive.name),
                "description" => optional(directive.description.as_deref()),
                "isRepeatable" => Found::Value(Value::Bool(directive.repeatable)),
                "locations" => {
                    let locations = directive
                        .locations
                        .iter()
                        .map(|location| Value::from(location.as_str()));
                    Found::Value(locations.collect())
                }
                "args" => inputs(&directive.arguments, self.deprecated(group)),
                _ => NULL,
            },
        }
    }

    fn of_schema(&self, name: &str) -> Found<'a> {
        let named = |name: Option<&str>| match name.and_then(|name| self.schema.named(name)) {
            Some(kind) => Found::One(Meta::Named(&kind.definition)),
            None => NULL,
        };
        match name {
            "types" => Found::Many(self.schema.types().map(|kind| Meta::Named(&kind.definition)).collect()),
            "queryType" => named(Some(&self.schema.query)),
            "mutationType" => named(self.schema.mutation.as_deref()),
            "directives" => Found::Many(self.schema.directives().map(Meta::Directive).collect()),
            _ => NULL,
        }
    }

    fn of_type(&self, kind: &'a TypeDefinition, name: &str, group: &Group<'a>) -> Found<'a> {
        let with_deprecated = self.deprecated(group);
        match (name, kind) {
            ("kind", kind) => text(kind_of(kind)),
            ("name", kind) => text(kind.name()),
            ("description", kind) => optional(description(kind)),
            ("specifiedByURL", TypeDefinition::Scalar(scalar)) => {
                optional(argument(&scalar.directives, "specifiedBy", "url"))
            }
            ("fields", TypeDefinition::Object(object)) => fields(&object.fields, with_deprecated),
            ("fields", TypeDefinition::Interface(interface)) => fields(&interface.fields, with_deprecated),
            ("interfaces", TypeDefinition::Object(object)) => self.all_named(&object.implements_interfaces),
            ("interfaces", TypeDefinition::Interface(interface)) => self.all_named(&interface.implements_interfaces),
            ("possibleTypes", TypeDefinition::Union(union)) => self.all_named(&union.types),
            ("possibleTypes", TypeDefinition::Interface(interface)) => {
                let possible = self.schema.named(&interface.name).map(|kind| &kind.possible);
                let types = self.schema.types().map(|kind| &kind.definition);
                let types = types.filter(|kind| possible.is_some_and(|possible| possible.contains(kind.name())));
                Found::Many(types.map(Meta::Named).collect())
            }
            ("enumValues", TypeDefinition::Enum(kind)) => {
                let values = kind.values.iter();
                let values = values.filter(|value| with_deprecated || !is_deprecated(&value.directives));
                Found::Many(values.map(Meta::EnumValue).collect())
            }
            ("inputFields", TypeDefinition::InputObject(object)) => inputs(&object.fields, with_deprecated),
            ("isOneOf", TypeDefinition::InputObject(_)) => Found::Value(Value::Bool(kind.is_one_of())),
            _ => NULL,
        }
    }

    fn of_wrapped(&self, kind: &'a Type, name: &str) -> Found<'a> {
        match (name, kind) {
            ("kind", Type::ListType(_)) => text("LIST"),
            ("kind", Type::NonNullType(_)) => text("NON_NULL"),
            ("ofType", Type::ListType(inner) | Type::NonNullType(inner)) => self.typed(inner),
            _ => NULL,
        }
    }

    fn typed(&self, kind: &'a Type) -> Found<'a> {
        match kind {
            Type::NamedType(name) => match self.schema.named(name) {
                Some(kind) => Found::One(Meta::Named(&kind.definition)),
                None => NULL,
            },
            wrapped => Found::One(Meta::Wrapped(wrapped)),
        }
    }

    fn all_named(&self, names: &[String]) -> Found<'a> {
        let kinds = names.iter().filter_map(|name| self.schema.named(name));
        Found::Many(kinds.map(|kind| Meta::Named(&kind.definition)).collect())
    }

    /// Whether deprecated members are asked for, too.
    fn deprecated(&self, group: &Group<'a>) -> bool {
        let argument = self.selections.argument(&group.first.arguments, "includeDeprecated");
        argument == Some(Value::Bool(true))
    }
}

impl Meta<'_> {
    fn type_name(&self) -> &'static str {
        match self {
            Self::Schema => "__Schema",
            Self::Named(_) | Self::Wrapped(_) => "__Type",
            Self::Field(_) => "__Field",
            Self::Input(_) => "__InputValue",
            Self::EnumValue(_) => "__EnumValue",
            Self::Directive(_) => "__Directive",
        }
    }
}

fn text(text: &str) -> Found<'static> {
    Found::Value(Value::from(text))
}

fn optional(text: Option<&str>) -> Found<'static> {
    Found::Value(text.map_or(Value::Null, Value::from))
}

fn fields(fields: &[Field], with_deprecated: bool) -> Found<'_> {
    let shown = fields.iter().filter(|field| !field.name.starts_with("__"));
    let shown = shown.filter(|field| with_deprecated || !is_deprecated(&field.directives));
    Found::Many(shown.map(Meta::Field).collect())
}

fn inputs(inputs: &[InputValue], with_deprecated: bool) -> Found<'_> {
    let shown = inputs
        .iter()
        .filter(|input| with_deprecated || !is_deprecated(&input.directives));
    Found::Many(shown.map(Meta::Input).collect())
}

fn is_deprecated(directives: &[Directive]) -> bool {
    directives.iter().any(|directive| directive.name == "deprecated")
}

fn deprecation(directives: &[Directive], name: &str) -> Found<'static> {
    match name {
        "isDeprecated" => Found::Value(Value::Bool(is_deprecated(directives))),
        "deprecationReason" if is_deprecated(directives) => {
            text(argument(directives, "deprecated", "reason").unwrap_or("No longer supported"))
        }
        _ => NULL,
    }
}

fn argument<'a>(directives: &'a [Directive], directive: &str, name: &str) -> Option<&'a str> {
    let directive = directives.iter().find(|own| own.name == directive)?;
    let (_, value) = directive.arguments.iter().find(|(own, _)| own == name)?;
    match value {
        Literal::String(text) => Some(text),
        _ => None,
    }
}

fn kind_of(kind: &TypeDefinition) -> &'static str {
    match kind {
        TypeDefinition::Scalar(_) => "SCALAR",
        TypeDefinition::Object(_) => "OBJECT",
        TypeDefinition::Interface(_) => "INTERFACE",
        TypeDefinition::Union(_) => "UNION",
        TypeDefinition::Enum(_) => "ENUM",
        TypeDefinition::InputObject(_) => "INPUT_OBJECT",
    }
}

fn description(kind: &TypeDefinition) -> Option<&str> {
    let description = match kind {
        TypeDefinition::Scalar(kind) => &kind.description,
        TypeDefinition::Object(kind) => &kind.description,
        TypeDefinition::Interface(kind) => &kind.description,
        TypeDefinition::Union(kind) => &kind.description,
        TypeDefinition::Enum(kind) => &kind.description,
        TypeDefinition::InputObject(kind) => &kind.description,
    };
    description.as_deref()
}
