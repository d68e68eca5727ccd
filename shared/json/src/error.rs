use std::fmt;

use serde::de::{self, Expected, Unexpected};

/// The longest path that is shown, in bytes: names in it come from outside.
const PATH_BYTES_MAX: usize = 200;

/// Where a JSON text is not as it should be, and what is expected there. It quotes names, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    is_syntax: bool,
    path: String,
    problem: String,
}

impl JsonError {
    /// The text is not JSON. Serde's words for that hold a place, and no part of the text.
    pub(crate) fn syntax(error: &serde_json::Error) -> Self {
        Self {
            is_syntax: true,
            path: String::new(),
            problem: error.to_string(),
        }
    }

    pub(crate) fn data(problem: impl Into<String>) -> Self {
        Self {
            is_syntax: false,
            path: String::new(),
            problem: problem.into(),
        }
    }

    /// The same problem inside of a member.
    #[must_use]
    pub(crate) fn in_member(mut self, name: &str) -> Self {
        let rest = std::mem::take(&mut self.path);
        let separator = if rest.is_empty() || rest.starts_with('[') {
            ""
        } else {
            "."
        };
        self.path = shown(name) + separator + &rest;
        self
    }

    /// The same problem inside of a list's item.
    #[must_use]
    pub(crate) fn in_item(mut self, position: usize) -> Self {
        let rest = std::mem::take(&mut self.path);
        let separator = if rest.is_empty() || rest.starts_with('[') {
            ""
        } else {
            "."
        };
        self.path = format!("[{position}]{separator}{rest}");
        self
    }

    /// Something that has to be there is not; [`inside`](Self::inside) names it.
    #[must_use]
    pub fn missing() -> Self {
        Self::data("it is missing")
    }

    /// The same problem in what `name` holds.
    #[must_use]
    pub fn inside(self, name: &str) -> Self {
        self.in_member(name)
    }

    /// Whether the text is not JSON at all.
    #[must_use]
    pub fn is_syntax(&self) -> bool {
        self.is_syntax
    }

    /// The place, for example `lines[2].quantity`; empty for the whole text.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong there.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

/// A name as it is shown: on one line, and not too long.
fn shown(name: &str) -> String {
    let plain = name.chars().map(|character| match character {
        character if character.is_control() => char::REPLACEMENT_CHARACTER,
        character => character,
    });
    plain.take(PATH_BYTES_MAX / 4).collect()
}

impl fmt::Display for JsonError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return formatter.write_str(&self.problem);
        }
        let end = self.path.floor_char_boundary(PATH_BYTES_MAX);
        let more = if end < self.path.len() { "..." } else { "" };
        write!(formatter, "{}{more}: {}", &self.path[..end], self.problem)
    }
}

impl std::error::Error for JsonError {}

/// Serde's own words quote the value and the name of the Rust type; these do neither.
impl de::Error for JsonError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        // From `#[serde(untagged)]`, with the name of the type.
        if message.starts_with("data did not match any variant") {
            return Self::data("it has none of the accepted forms");
        }
        Self::data(message)
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let (expected, found) = (words_for(expected), kind_of(unexpected));
        Self::data(format!("expected {expected}, found {found}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::data(format!("expected {}", words_for(expected)))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::data(format!("expected {}, found {length} items", words_for(expected)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::data(format!("expected one of: {}", expected.join(", ")))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let problem = format!("there is no such field; known are: {}", expected.join(", "));
        Self::data(problem).in_member(field)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::missing().in_member(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::data("it is written twice").in_member(field)
    }
}

/// What serde calls `u32`, `struct Order` or `a string`, in JSON's words.
fn words_for(expected: &dyn Expected) -> String {
    let words = expected.to_string();
    let whole = |least: i128, most: i128| format!("a whole number from {least} to {most}");
    match words.as_str() {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "u64" => whole(0, u64::MAX.into()),
        "i8" => whole(i8::MIN.into(), i8::MAX.into()),
        "i16" => whole(i16::MIN.into(), i16::MAX.into()),
        "i32" => whole(i32::MIN.into(), i32::MAX.into()),
        "i64" => whole(i64::MIN.into(), i64::MAX.into()),
        "u128" | "i128" | "usize" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a string" | "string" | "str" => "a text".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "an object".to_owned(),
        text if text.starts_with("struct ") => "an object".to_owned(),
        text if text.starts_with("tuple struct ") || text.starts_with("a tuple ") => "a list".to_owned(),
        text if text.starts_with("enum ") || text.starts_with("internally tagged enum ") => {
            "one of its forms".to_owned()
        }
        _ => words,
    }
}

fn kind_of(unexpected: Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Char(_) | Unexpected::Str(_) => "a text",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "a list",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}
