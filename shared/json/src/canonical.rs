use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::exact;
use crate::members::Text;
use crate::node::{Node, NumberForms};
use crate::number::Numbers;
use crate::rules::Rules;

/// A JSON value's one text: two texts of equal values have the same.
///
/// Members are in the order of their names' code points, of copies the last; there is no white space; numbers are exact
/// decimals, so that `2.0`, `2` and `2e0` are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical {
    /// The text.
    pub text: String,
    /// What is among its numbers.
    pub numbers: NumberForms,
}

/// The canonical text of a value. `None` when it holds what [`crate::check`] refuses.
#[must_use]
pub fn canonical(raw: &RawValue) -> Option<Canonical> {
    let mut reading = Reading {
        numbers: Numbers::of(raw.get()),
        passed: 0,
    };
    let value = match reading.deserialize(&mut serde_json::Deserializer::from_str(raw.get())) {
        Ok(value) => value,
        // What cannot be read may be in a member that is written again later, and does not count.
        Err(_) => exact::read(raw, Rules::Travelled, 0).ok()?,
    };
    let mut text = String::with_capacity(raw.get().len());
    value.write(&mut text);
    let numbers = value.forms();
    Some(Canonical { text, numbers })
}

struct Reading<'a> {
    numbers: Numbers<'a>,
    /// How many numbers were passed since one was looked at.
    passed: usize,
}

impl<'de> DeserializeSeed<'de> for &mut Reading<'de> {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Reading<'de> {
    type Value = Node<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Node<'de>, E> {
        Ok(Node::Word("null"))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Node<'de>, E> {
        Ok(Node::Word(if flag { "true" } else { "false" }))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node<'de>, E> {
        self.passed += 1;
        Ok(Node::Number(NumberForms::Integers, number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node<'de>, E> {
        self.passed += 1;
        Ok(Node::Number(NumberForms::Integers, number.to_string()))
    }

    /// A double has lost what the text says; the text has not.
    fn visit_f64<E: Error>(self, _: f64) -> Result<Node<'de>, E> {
        let text = self.numbers.nth(std::mem::take(&mut self.passed)).unwrap_or("0");
        Ok(Node::of_number(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(&mut *self)? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(Text(name)) = map.next_key()? {
            members.insert(name, map.next_value_seed(&mut *self)?);
        }
        Ok(Node::Object(members))
    }
}
