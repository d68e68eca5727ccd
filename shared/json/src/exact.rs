//! The long way through a JSON value, for what the short ones cannot read: each member as the text that was written, of
//! copies only the last, and an error with its path. It reads a text once for each level around it.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::error::JsonError;
use crate::members::{Items, Kind, Object, Text, read as part, refuse_copies};
use crate::node::Node;
use crate::number::Decimal;
use crate::rules::{DEPTH_MAX, Rules};

/// The value that `depth` objects and lists are around.
pub(crate) fn read(raw: &RawValue, rules: Rules, depth: usize) -> Result<Node<'_>, JsonError> {
    let kind = Kind::of(raw);
    let depth = depth + usize::from(matches!(kind, Kind::List | Kind::Object));
    if depth > rules.depth_max() {
        let problem = format!("it is nested deeper than {DEPTH_MAX} objects and lists");
        return Err(JsonError::data(problem));
    }
    match kind {
        Kind::Null => Ok(Node::Word("null")),
        Kind::Bool => Ok(Node::Word(if raw.get() == "true" { "true" } else { "false" })),
        Kind::Number => match Decimal::of(raw.get()).problem() {
            Some(problem) => Err(JsonError::data(problem)),
            None => Ok(Node::of_number(raw.get())),
        },
        Kind::Text => {
            let text: Result<Text<'_>, JsonError> = part(raw);
            text.map(|Text(text)| Node::Text(text))
        }
        Kind::List => {
            let Items(items) = part(raw)?;
            let item = |(position, item)| read(item, rules, depth).map_err(|error: JsonError| error.in_item(position));
            items
                .into_iter()
                .enumerate()
                .map(item)
                .collect::<Result<_, _>>()
                .map(Node::List)
        }
        Kind::Object => {
            if rules == Rules::Request {
                refuse_copies(raw)?;
            }
            let mut members = BTreeMap::new();
            for (name, value) in Object::from_raw(raw)?.into_members() {
                let value = read(value, rules, depth).map_err(|error| error.in_member(&name))?;
                members.insert(name, value);
            }
            Ok(Node::Object(members))
        }
    }
}
