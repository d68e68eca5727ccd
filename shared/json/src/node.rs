use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::number::Decimal;

/// The widest form among the numbers of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NumberForms {
    /// Only integers of up to 64 bits, written without fraction and exponent.
    Integers,
    /// Fractions and exponents too, all of which a double or a 64-bit integer holds exactly.
    Doubles,
    /// Some that no double holds.
    Decimals,
}

/// A value with all that belongs to it.
pub(crate) enum Node<'a> {
    /// `null`, `true`, `false`.
    Word(&'static str),
    Number(NumberForms, String),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Object(BTreeMap<Cow<'a, str>, Node<'a>>),
}

impl Node<'_> {
    /// Appends the canonical text.
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Word(word) => out.push_str(word),
            Self::Number(_, number) => out.push_str(number),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push('[');
                for (position, item) in items.iter().enumerate() {
                    separate(position, out);
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (position, (name, value)) in members.iter().enumerate() {
                    separate(position, out);
                    write_text(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    pub(crate) fn of_number(text: &str) -> Self {
        let number = Decimal::of(text);
        match number.held_by_a_double() {
            Some(text) => Self::Number(NumberForms::Doubles, text),
            None => Self::Number(NumberForms::Decimals, number.canonical()),
        }
    }

    /// The widest form of its numbers.
    pub(crate) fn forms(&self) -> NumberForms {
        let widest = match self {
            Self::Word(_) | Self::Text(_) => None,
            Self::Number(form, _) => Some(*form),
            Self::List(items) => items.iter().map(Self::forms).max(),
            Self::Object(members) => members.values().map(Self::forms).max(),
        };
        widest.unwrap_or(NumberForms::Integers)
    }
}

fn separate(position: usize, out: &mut String) {
    if position > 0 {
        out.push(',');
    }
}

/// Most texts have nothing to escape.
fn write_text(text: &str, out: &mut String) {
    let is_plain = text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    if is_plain {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else if let Ok(escaped) = serde_json::to_string(text) {
        out.push_str(&escaped);
    }
}
