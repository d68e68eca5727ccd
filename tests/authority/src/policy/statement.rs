use serde_json::{Map, Value};

use super::condition::Condition;
use super::principal::{Asker, Principals};
use super::{Kind, PolicyError};
use crate::call::Call;
use crate::pattern::{matches, matches_action};

/// What a statement does with what it matches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// It grants.
    Allow,
    /// It refuses, whatever else grants.
    Deny,
}

/// One action of a statement on one of its resources, by their places: the smallest thing that can be granted in vain.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Cell {
    /// Which of the statement's actions.
    pub action: usize,
    /// Which of its resources.
    pub resource: usize,
}

/// One statement of a policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Statement {
    /// Its `Sid`, or its number if it has none.
    pub id: String,
    /// Whether it allows or denies.
    pub effect: Effect,
    actions: Listed,
    resources: Listed,
    principals: Option<Principals>,
    conditions: Vec<Condition>,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Listed {
    patterns: Vec<String>,
    is_negated: bool,
}

const ELEMENTS: [&str; 8] = [
    "Sid",
    "Effect",
    "Principal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

impl Statement {
    pub(super) fn read(policy: &str, number: usize, kind: Kind, statement: &Value) -> Result<Self, PolicyError> {
        let nothing = Map::new();
        let fields = statement.as_object().unwrap_or(&nothing);
        let id = fields
            .get("Sid")
            .and_then(Value::as_str)
            .map_or_else(|| format!("statement {}", number + 1), str::to_owned);
        let place = format!("{policy}/{id}");
        let wrong = |problem: String| PolicyError::new(&place, problem);
        if let Some(unknown) = fields.keys().find(|name| !ELEMENTS.contains(&name.as_str())) {
            return Err(wrong(format!("the element `{unknown}` is not evaluated here")));
        }
        let effect = match fields.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return Err(wrong("`Effect` must be Allow or Deny".to_owned())),
        };
        let principals = match (kind, fields.get("Principal")) {
            (Kind::Identity, None) => None,
            (Kind::Identity, Some(_)) => return Err(wrong("a role's policy takes no `Principal`".to_owned())),
            (Kind::Resource, None) => return Err(wrong("a resource's policy must name a `Principal`".to_owned())),
            (Kind::Resource, Some(principal)) => Some(Principals::read(&place, principal)?),
        };
        let actions = Listed::read(&place, fields, "Action", "NotAction")?;
        if let Some(odd) = actions.patterns.iter().find(|action| !is_action(action)) {
            return Err(wrong(format!("`{odd}` is not an action; write service:Action or *")));
        }
        let resources = Listed::read(&place, fields, "Resource", "NotResource")?;
        if let Some(odd) = resources.patterns.iter().find(|resource| !is_resource(resource)) {
            return Err(wrong(format!("`{odd}` is not an ARN or *")));
        }
        let conditions = fields.get("Condition").map(|block| Condition::read_all(&place, block));
        let conditions = conditions.transpose()?.unwrap_or_default();
        if effect == Effect::Allow {
            Condition::require_presence(&place, &conditions)?;
        }
        Ok(Self {
            id,
            effect,
            actions,
            resources,
            principals,
            conditions,
        })
    }

    /// Its cells that a call falls into; none if it is not for this call.
    pub(super) fn matching(&self, asker: &Asker<'_>, call: &Call) -> Vec<Cell> {
        let is_for = |principals: &Principals| principals.are(asker, self.effect);
        if !self.principals.as_ref().is_none_or(is_for) || !self.conditions.iter().all(|one| one.holds(call)) {
            return Vec::new();
        }
        let actions = self.actions.matching(|pattern| matches_action(pattern, &call.action));
        let resources = self.resources.matching(|pattern| matches(pattern, &call.resource));
        let cell = |action: usize| {
            resources.iter().map(move |resource| Cell {
                action,
                resource: *resource,
            })
        };
        actions.into_iter().flat_map(cell).collect()
    }

    /// Whether its action and resource are those of a call, whoever asks and under whichever conditions.
    #[must_use]
    pub fn is_about(&self, call: &Call) -> bool {
        let actions = self.actions.matching(|pattern| matches_action(pattern, &call.action));
        let resources = self.resources.matching(|pattern| matches(pattern, &call.resource));
        self.effect == Effect::Allow && !actions.is_empty() && !resources.is_empty()
    }

    /// All of its cells.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let (actions, resources) = (self.actions.places(), self.resources.places());
        let cell = |action| (0..resources).map(move |resource| Cell { action, resource });
        (0..actions).flat_map(cell).collect()
    }

    /// The action of a cell, as the policy writes it.
    #[must_use]
    pub fn action(&self, cell: Cell) -> String {
        self.actions.text(cell.action)
    }

    /// The resource of a cell, as the policy writes it.
    #[must_use]
    pub fn resource(&self, cell: Cell) -> String {
        self.resources.text(cell.resource)
    }
}

impl Listed {
    fn read(place: &str, fields: &Map<String, Value>, name: &str, negated: &str) -> Result<Self, PolicyError> {
        let (listed, is_negated) = match (fields.get(name), fields.get(negated)) {
            (Some(listed), None) => (listed, false),
            (None, Some(listed)) => (listed, true),
            _ => {
                let problem = format!("a statement must have `{name}` or `{negated}`, and not both");
                return Err(PolicyError::new(place, problem));
            }
        };
        let patterns = texts(place, name, listed)?;
        if patterns.is_empty() {
            return Err(PolicyError::new(place, format!("`{name}` lists nothing")));
        }
        Ok(Self { patterns, is_negated })
    }

    fn matching(&self, is_matched: impl Fn(&str) -> bool) -> Vec<usize> {
        let matched = self
            .patterns
            .iter()
            .enumerate()
            .filter(|(_, pattern)| is_matched(pattern));
        let matched: Vec<usize> = matched.map(|(place, _)| place).collect();
        match self.is_negated {
            false => matched,
            true if matched.is_empty() => vec![0],
            true => Vec::new(),
        }
    }

    fn places(&self) -> usize {
        if self.is_negated { 1 } else { self.patterns.len() }
    }

    fn text(&self, place: usize) -> String {
        if self.is_negated {
            return format!("all but {}", self.patterns.join(", "));
        }
        self.patterns[place].clone()
    }
}

/// A text, or a list of them. Policy variables are not evaluated here.
pub(super) fn texts(place: &str, name: &str, listed: &Value) -> Result<Vec<String>, PolicyError> {
    let listed: &[Value] = match listed {
        Value::Array(listed) => listed,
        one => std::slice::from_ref(one),
    };
    let text = |value: &Value| match value {
        Value::String(text) if text.contains("${") => Err(PolicyError::new(
            place,
            format!("the policy variable in `{text}` is not evaluated here"),
        )),
        Value::String(text) => Ok(text.clone()),
        Value::Bool(truth) => Ok(truth.to_string()),
        _ => Err(PolicyError::new(
            place,
            format!("`{name}` must be text or a list of texts"),
        )),
    };
    listed.iter().map(text).collect()
}

fn is_action(text: &str) -> bool {
    text == "*"
        || text
            .split_once(':')
            .is_some_and(|(service, action)| !service.is_empty() && !action.is_empty())
}

fn is_resource(text: &str) -> bool {
    text == "*" || (text.starts_with("arn:") && text.split(':').count() >= 6)
}
