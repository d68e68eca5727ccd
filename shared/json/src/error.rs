use std::fmt;

use serde::de::{self, Expected, Unexpected};
use serde_json::Value;
use serde_json::value::RawValue;

/// The longest path that is shown, in bytes: names in it come from outside.
const PATH_BYTES_MAX: usize = 200;
/// The longest number that is shown as a name, in digits.
const SMALL_DIGITS_MAX: usize = 6;
/// The longest name that is shown, in bytes.
const NAME_BYTES_MAX: usize = 50;

/// Where a JSON text is not as it should be, and what is expected there. It quotes names, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    kind: Kind,
    path: String,
    problem: String,
}

/// Who found the words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Serde: the text is not JSON.
    Syntax,
    /// This crate.
    Data,
    /// The type that was read. Its words may quote what it was given.
    Foreign,
}

impl JsonError {
    /// The text is not JSON. Serde's words for that hold a place, and no part of the text.
    pub(crate) fn syntax(error: &serde_json::Error) -> Self {
        Self {
            kind: Kind::Syntax,
            path: String::new(),
            problem: error.to_string(),
        }
    }

    pub(crate) fn data(problem: impl Into<String>) -> Self {
        Self {
            kind: Kind::Data,
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
        self.path = [shown(name), separator, &rest].concat();
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
        self.kind == Kind::Syntax
    }

    /// The same error about this JSON, without words that quote a value of it. Only a type's own words can: they are
    /// dropped when a text or number of the JSON begins as a part of them does.
    #[must_use]
    pub(crate) fn without_values_of(mut self, raw: &RawValue) -> Self {
        if self.kind == Kind::Foreign && quotes(&self.problem, raw) {
            "the value is not accepted".clone_into(&mut self.problem);
        }
        self
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

/// A name as it is shown. One that is not written like the name of a field, or a small number, is somebody's value used as a
/// key.
fn shown(name: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-$".contains(&byte);
    let starts = name
        .bytes()
        .next()
        .is_some_and(|byte| !byte.is_ascii_digit() && byte != b'-');
    let is_small = (1..=SMALL_DIGITS_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_digit());
    match is_small || (starts && name.len() <= NAME_BYTES_MAX && name.bytes().all(is_plain)) {
        true => name,
        false => "(a name)",
    }
}

/// So many characters that are the same are no chance.
const QUOTED_CHARACTERS: usize = 4;

/// Whether the words hold the first characters of a text or number in the JSON.
fn quotes(words: &str, raw: &RawValue) -> bool {
    let words = words.to_lowercase();
    let is_quoted = |text: &str| {
        let start: String = text.chars().take(QUOTED_CHARACTERS).collect();
        start.chars().count() == QUOTED_CHARACTERS && words.contains(&start.to_lowercase())
    };
    let mut open = match serde_json::from_str::<Value>(raw.get()) {
        Ok(value) => vec![value],
        // What cannot be looked into may be anything.
        Err(_) => return true,
    };
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) if is_quoted(&text) => return true,
            Value::Number(number) if is_quoted(&number.to_string()) => return true,
            Value::Array(items) => open.extend(items),
            Value::Object(members) => {
                for (name, member) in members {
                    if shown(&name) != name && is_quoted(&name) {
                        return true;
                    }
                    open.push(member);
                }
            }
            _ => {}
        }
    }
    false
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
        Self {
            kind: Kind::Foreign,
            ..Self::data(message)
        }
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
