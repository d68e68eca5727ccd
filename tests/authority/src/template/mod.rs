//! The roles of a template, with every name resolved, without a deployment: for a simulation, which deploys nothing.
//!
//! Names are the logical ones: the table `EventsTable` is `arn:aws:dynamodb:...:table/EventsTable`. A function of
//! CloudFormation that is not resolved here is an error by name, since a policy that is half resolved proves nothing.

mod resolving;
mod yaml;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::policy::{Kind, Policy, PolicyError};

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

impl From<PolicyError> for TemplateError {
    fn from(error: PolicyError) -> Self {
        Self::new(error.to_string())
    }
}

/// A template, and the parameters it is resolved with.
#[derive(Clone, Debug)]
pub struct Template {
    parameters: BTreeMap<String, Value>,
    conditions: Map<String, Value>,
    resources: Map<String, Value>,
}

/// A role of a template.
#[derive(Clone, Debug)]
pub struct TemplateRole {
    /// Its ARN.
    pub arn: String,
    /// The statements of all its policies, as one list of JSON.
    statements: Vec<Value>,
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

    /// A role by its logical name.
    ///
    /// # Errors
    /// When there is none, or its policies use what is not resolved here.
    pub fn role(&self, name: &str) -> Result<TemplateRole, TemplateError> {
        let role = self
            .resources
            .get(name)
            .filter(|found| found["Type"] == "AWS::IAM::Role");
        let role = role.ok_or_else(|| TemplateError::new(format!("the template has no role `{name}`")))?;
        let of_role = |problem: TemplateError| TemplateError::new(format!("{name}: {problem}"));
        if !role["Properties"]["ManagedPolicyArns"].is_null() {
            return Err(of_role(TemplateError::new("managed policies are not evaluated here")));
        }
        let policies = self.resolved(&role["Properties"]["Policies"]).map_err(of_role)?;
        let policies = policies.and_then(|policies| policies.as_array().cloned());
        let policies = policies.ok_or_else(|| of_role(TemplateError::new("it has no list of policies")))?;
        let mut statements = Vec::new();
        for policy in policies {
            match &policy["PolicyDocument"]["Statement"] {
                Value::Array(all) => statements.extend(all.iter().cloned()),
                Value::Object(one) => statements.push(Value::Object(one.clone())),
                _ => return Err(of_role(TemplateError::new("a policy has no statements"))),
            }
        }
        Ok(TemplateRole {
            arn: format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
            statements,
        })
    }

    /// The ARN of a resource by its logical name.
    ///
    /// # Errors
    /// When there is none, or none of its kind is known here.
    pub fn arn(&self, name: &str) -> Result<String, TemplateError> {
        self.attribute(name, "Arn")
    }
}

impl TemplateRole {
    /// The same role without the statements of this name.
    #[must_use]
    pub fn without(mut self, statement: &str) -> Self {
        self.statements.retain(|one| one["Sid"] != statement);
        self
    }

    /// The names of its statements.
    pub fn statements(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().filter_map(|statement| statement["Sid"].as_str())
    }

    /// What it grants.
    ///
    /// # Errors
    /// When a statement is not understood.
    pub fn policy(&self) -> Result<Policy, TemplateError> {
        let document = json!({"Version": "2012-10-17", "Statement": self.statements});
        Ok(Policy::read(&self.arn, Kind::Identity, &document)?)
    }
}

#[cfg(test)]
mod tests;
