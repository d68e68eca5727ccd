//! What travels every route unchanged.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::JsonError;
use crate::exact;
use crate::members::Text;
use crate::number::{Decimal, Numbers};
use crate::rules::Rules;

/// Checks that every route keeps a JSON value, of members that are written twice the last: texts are Unicode (no half of a surrogate pair), nothing is nested deeper
/// than [`DEPTH_MAX`], and numbers lie in the range of doubles and have at most [`DIGITS_MAX`] digits.
///
/// # Errors
/// The place that does not travel, and why.
pub fn check(raw: &RawValue, rules: Rules) -> Result<(), JsonError> {
    let mut walk = Walk {
        numbers: Numbers::of(raw.get()),
        passed: 0,
        depth: 0,
        rules,
    };
    match walk.deserialize(&mut serde_json::Deserializer::from_str(raw.get())) {
        Ok(()) => Ok(()),
        // What is wrong may be in a member that is written again later, and does not count.
        Err(_) => exact::read(raw, rules, 0).map(drop),
    }
}

/// Looks at every value once, in one pass, and has no words for what it finds.
struct Walk<'a> {
    numbers: Numbers<'a>,
    /// How many numbers were passed since one was looked at: most never have to be.
    passed: usize,
    depth: usize,
    rules: Rules,
}

impl Walk<'_> {
    fn enter<E: Error>(&mut self) -> Result<(), E> {
        self.depth += 1;
        match self.depth > self.rules.depth_max() {
            true => Err(E::custom("too deep")),
            false => Ok(()),
        }
    }
}

impl<'de> DeserializeSeed<'de> for &mut Walk<'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Walk<'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.passed += 1;
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.passed += 1;
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        let text = self.numbers.nth(std::mem::take(&mut self.passed)).unwrap_or("0");
        match Decimal::of(text).problem() {
            Some(problem) => Err(E::custom(problem)),
            None => Ok(()),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.enter()?;
        while list.next_element_seed(&mut *self)?.is_some() {}
        self.depth -= 1;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.enter()?;
        let mut names = HashSet::new();
        while let Some(Text(name)) = map.next_key()? {
            if self.rules == Rules::Request && !names.insert(name) {
                return Err(A::Error::custom("written twice"));
            }
            map.next_value_seed(&mut *self)?;
        }
        self.depth -= 1;
        Ok(())
    }
}
