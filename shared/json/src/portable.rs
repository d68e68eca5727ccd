//! What travels every route unchanged.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::JsonError;
use crate::members::Text;
use crate::number::{Decimal, Numbers};

/// The deepest nesting of objects and lists. `serde_json` reads 127, and EventBridge, SNS and a CloudEvent put some around
/// an event.
pub const DEPTH_MAX: usize = 100;
/// The most significant digits of a number. Routes that write JSON anew may keep no more: Jackson, which many are built
/// with, reads numbers of up to 1000 characters.
pub const DIGITS_MAX: usize = 900;

/// How strict a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// For what has travelled already: of a member that is written twice the last one counts.
    Travelled,
    /// For requests whose sender can still correct them: a member that is written twice is refused by name. Around what
    /// travels there may be some objects and lists more.
    Request,
}

impl Rules {
    fn depth_max(self) -> usize {
        match self {
            Self::Travelled => DEPTH_MAX,
            Self::Request => DEPTH_MAX + 10,
        }
    }
}

/// Checks that every route keeps a JSON value: texts are Unicode (no half of a surrogate pair), nothing is nested deeper
/// than [`DEPTH_MAX`], and numbers lie in the range of doubles and have at most [`DIGITS_MAX`] digits.
///
/// # Errors
/// The place that does not travel, and why.
pub fn check(raw: &RawValue, rules: Rules) -> Result<(), JsonError> {
    let mut walk = Walk {
        numbers: Numbers::of(raw.get()),
        passed: 0,
        path: Vec::new(),
        depth: 0,
        rules,
        problem: None,
    };
    let Err(error) = walk.deserialize(&mut serde_json::Deserializer::from_str(raw.get())) else {
        return Ok(());
    };
    let problem = walk.problem.take().unwrap_or_else(|| words_for(&error));
    let problem = JsonError::data(problem);
    Err(walk.path.iter().rev().fold(problem, |problem, step| match step {
        Step::Member(name) => problem.in_member(name),
        Step::Item(position) => problem.in_item(*position),
    }))
}

/// The text is sound, so two things are left that `serde_json` does not read.
fn words_for(error: &serde_json::Error) -> String {
    match error.to_string().starts_with("number out of range") {
        true => "the number lies beyond the range of doubles; write it as a text",
        false => "the text or a name in it holds half of a surrogate pair, which is not a character",
    }
    .to_owned()
}

enum Step<'a> {
    Member(Cow<'a, str>),
    Item(usize),
}

struct Walk<'a> {
    numbers: Numbers<'a>,
    /// How many numbers were passed since one was looked at: most never have to be.
    passed: usize,
    /// The way to the value at hand; after an error, to its place.
    path: Vec<Step<'a>>,
    depth: usize,
    rules: Rules,
    problem: Option<String>,
}

impl<'a> Walk<'a> {
    fn refuse<T, E: Error>(&mut self, problem: impl Into<String>) -> Result<T, E> {
        self.problem = Some(problem.into());
        Err(E::custom("see the problem"))
    }

    fn enter<E: Error>(&mut self) -> Result<(), E> {
        self.depth += 1;
        match self.depth > self.rules.depth_max() {
            true => self.refuse(format!("it is nested deeper than {DEPTH_MAX} objects and lists")),
            false => Ok(()),
        }
    }

    fn value_at<E: Error>(
        &mut self,
        step: Step<'a>,
        read: impl FnOnce(&mut Self) -> Result<bool, E>,
    ) -> Result<bool, E> {
        self.path.push(step);
        let more = read(self)?;
        self.path.pop();
        Ok(more)
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
        let number = Decimal::of(text);
        if number.digits() > DIGITS_MAX {
            return self.refuse(format!(
                "the number has more than {DIGITS_MAX} digits; write it as a text"
            ));
        }
        if !number.is_in_range() {
            return self.refuse("the number lies beyond the range of doubles; write it as a text");
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.enter()?;
        let mut position = 0;
        while self.value_at(Step::Item(position), |walk| {
            Ok(list.next_element_seed(&mut *walk)?.is_some())
        })? {
            position += 1;
        }
        self.depth -= 1;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.enter()?;
        let mut names = HashSet::new();
        while let Some(Text(name)) = map.next_key()? {
            let is_first = self.rules == Rules::Travelled || names.insert(name.clone());
            self.value_at(Step::Member(name), |walk| match is_first {
                true => map.next_value_seed(&mut *walk).map(|()| true),
                false => walk.refuse("it is written twice"),
            })?;
        }
        self.depth -= 1;
        Ok(())
    }
}
