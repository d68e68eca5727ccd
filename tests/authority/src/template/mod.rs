//! What a template would deploy, as far as policies go, with every name resolved: for a simulation, which deploys nothing.
//!
//! Names are the logical ones: the table `EventsTable` is `arn:aws:dynamodb:...:table/EventsTable`. The bus alone has the name
//! that the template gives it, since roles spell its ARN out. A function of CloudFormation that is not resolved here is an
//! error by name, since a policy that is half resolved proves nothing.

mod deploying;
mod resolving;
mod yaml;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use thiserror::Error;

/// The account that a template is resolved for.
pub const ACCOUNT: &str = "123456789012";

/// A template that cannot be read or resolved.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{0}")]
pub struct TemplateError(String);

impl TemplateError {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// A template, and the parameters it is resolved with.
#[derive(Clone, Debug)]
pub struct Template {
    parameters: BTreeMap<String, Value>,
    conditions: Map<String, Value>,
    resources: Map<String, Value>,
}

impl Template {
    /// Reads a template in YAML. Parameters have their defaults, but for those that are `given`.
    ///
    /// # Errors
    /// When it is not a template.
    pub fn read(text: &str, given: &[(&str, &str)]) -> Result<Self, TemplateError> {
        let mut document = yaml::read(text)?;
        let mut section = |name: &str| match document.remove(name) {
            Some(Value::Object(section)) => Ok(section),
            None if name != "Resources" => Ok(Map::new()),
            _ => Err(TemplateError::new(format!("the template has no section `{name}`"))),
        };
        let parameters = section("Parameters")?;
        let default = |(name, about): (String, Value)| about.get("Default").map(|default| (name, default.clone()));
        let mut parameters: BTreeMap<String, Value> = parameters.into_iter().filter_map(default).collect();
        parameters.extend(given.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        Ok(Self {
            parameters,
            conditions: section("Conditions")?,
            resources: section("Resources")?,
        })
    }

    /// The value of a parameter: the one that was given, or its default.
    ///
    /// # Errors
    /// When there is none, or it is not text.
    pub fn parameter(&self, name: &str) -> Result<&str, TemplateError> {
        let value = self.parameters.get(name).and_then(Value::as_str);
        value.ok_or_else(|| TemplateError::new(format!("the parameter `{name}` has no text")))
    }

    /// The ARN of a resource by its logical name.
    ///
    /// # Errors
    /// When there is none, or none of its kind is known here.
    pub fn arn(&self, name: &str) -> Result<String, TemplateError> {
        self.attribute(name, "Arn")
    }
}

#[cfg(test)]
mod tests;
