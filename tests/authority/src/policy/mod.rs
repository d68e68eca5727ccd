//! Policies as IAM reads them: statements, the principals, actions, resources and conditions they are for.
//!
//! Only what is evaluated here is read. Anything else - an element, an operator, a condition key, a policy variable -
//! is an error that names it, because a policy that is half understood proves nothing.

mod condition;
mod principal;
mod statement;

use serde_json::Value;
use thiserror::Error;

pub use condition::Condition;
pub use principal::{Asker, Principals};
pub use statement::{Cell, Effect, Statement};

use crate::call::Call;

/// A policy that cannot be evaluated.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{place}: {problem}")]
pub struct PolicyError {
    /// The policy, and the statement in it.
    pub place: String,
    /// What is wrong with it, and what to do.
    pub problem: String,
}

impl PolicyError {
    pub(crate) fn new(place: &str, problem: impl Into<String>) -> Self {
        Self {
            place: place.to_owned(),
            problem: problem.into(),
        }
    }
}

/// What a policy belongs to, which decides what its statements must have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Of a role: its statements are for that role.
    Identity,
    /// Of a resource: its statements name principals.
    Resource,
}

/// The statements of one policy document.
#[derive(Clone, Debug)]
pub struct Policy {
    /// In their order.
    pub statements: Vec<Statement>,
}

/// What a policy says about a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Opinion<'a> {
    /// A statement denies it, whatever others allow.
    Denies(&'a Statement),
    /// Statements allow it, through these of their cells.
    Allows(Vec<(&'a Statement, Cell)>),
    /// Nothing is said about it.
    Silent,
}

impl Policy {
    /// Reads a document; `place` is how errors name it.
    ///
    /// # Errors
    /// When it has anything that is not evaluated here.
    pub fn read(place: &str, kind: Kind, document: &Value) -> Result<Self, PolicyError> {
        let fields = document
            .as_object()
            .ok_or_else(|| PolicyError::new(place, "a policy must be an object"))?;
        if let Some(unknown) = fields
            .keys()
            .find(|name| !["Version", "Id", "Statement"].contains(&name.as_str()))
        {
            return Err(PolicyError::new(
                place,
                format!("the element `{unknown}` is not evaluated here"),
            ));
        }
        if fields.get("Version").and_then(Value::as_str) != Some("2012-10-17") {
            return Err(PolicyError::new(place, "the version must be 2012-10-17"));
        }
        let statements: &[Value] = match fields.get("Statement") {
            Some(Value::Array(statements)) => statements,
            Some(one @ Value::Object(_)) => std::slice::from_ref(one),
            _ => return Err(PolicyError::new(place, "a policy must have statements")),
        };
        let read = |(number, statement)| Statement::read(place, number, kind, statement);
        let statements = statements.iter().enumerate().map(read);
        Ok(Self {
            statements: statements.collect::<Result<_, _>>()?,
        })
    }

    /// What it says about a call of `asker`.
    #[must_use]
    pub fn opinion(&self, asker: &Asker<'_>, call: &Call) -> Opinion<'_> {
        let mut allowing = Vec::new();
        for statement in &self.statements {
            let cells = statement.matching(asker, call);
            match statement.effect {
                Effect::Deny if !cells.is_empty() => return Opinion::Denies(statement),
                Effect::Deny => {}
                Effect::Allow => allowing.extend(cells.into_iter().map(|cell| (statement, cell))),
            }
        }
        if allowing.is_empty() {
            Opinion::Silent
        } else {
            Opinion::Allows(allowing)
        }
    }
}

#[cfg(test)]
mod tests;
