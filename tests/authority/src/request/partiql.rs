//! The one shape of PartiQL that is evaluated: an update of one row, by its whole key.
//!
//! `UPDATE "table" REMOVE "a" WHERE "k1" = ? AND "k2" = ?`

use serde_json::Value;

use super::dynamodb::{leading_key, table};
use super::{Names, Unrecognised};
use crate::call::{Call, Key};

pub(super) fn call(names: &Names<'_>, statement: &str, parameters: &Value) -> Result<Call, Unrecognised> {
    let unknown = || Unrecognised(format!("the PartiQL statement `{statement}` is not evaluated here"));
    // Every name is quoted, so that words and names are told apart by the quotes.
    let parts: Vec<&str> = statement.split('"').map(str::trim).collect();
    let [("UPDATE", name), (action, attribute), rest @ ..] = &pairs(&parts).ok_or_else(unknown)?[..] else {
        return Err(unknown());
    };
    if *action != "REMOVE" {
        return Err(unknown());
    }
    let mut attributes = vec![(*attribute).to_owned()];
    let key = &table(names, name)?.key;
    let mut leading = None;
    for (place, (before, column)) in rest.iter().enumerate() {
        let expected = if place == 0 { "WHERE" } else { "= ? AND" };
        if *before != expected {
            return Err(unknown());
        }
        if column == key {
            leading = Some(leading_key(&parameters[place])?);
        }
        attributes.push((*column).to_owned());
    }
    let leading = leading.ok_or_else(unknown)?;
    Ok(Call::new(
        "dynamodb:PartiQLUpdate",
        names.arn("dynamodb", &format!("table/{name}")),
    )
    .with(Key::LeadingKeys, [leading])
    .with(Key::Attributes, attributes))
}

/// Words and the quoted name after them; the last words must be the end of a comparison.
fn pairs<'a>(parts: &[&'a str]) -> Option<Vec<(&'a str, &'a str)>> {
    let (last, pairs) = parts.split_last()?;
    let is_whole = *last == "= ?" && pairs.len() % 2 == 0;
    is_whole.then(|| pairs.chunks(2).map(|pair| (pair[0], pair[1])).collect())
}
