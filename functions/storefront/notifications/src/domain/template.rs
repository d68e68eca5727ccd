use std::collections::BTreeSet;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The longest text of a template and of what comes of it, in bytes.
const TEXT_BYTES_MAX: usize = 16 * 1024;
/// The longest subject, in bytes: a line of an e-mail has 998 at most (RFC 5322, section 2.1.1).
const SUBJECT_BYTES_MAX: usize = 512;
/// The longest name of a template or a parameter, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// The most parameters of a template.
const PARAMETERS_MAX: usize = 50;

/// What somebody wants a template to be. `{{ name }}` stands for a parameter; the language is that of Jinja
/// (<https://docs.rs/minijinja/latest/minijinja/syntax/>), without filters and functions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Draft {
    /// The subject, of e-mails.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 512))]
    pub subject: String,
    /// The text, of every channel.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 16384))]
    pub text: String,
    /// The names of the parameters, all of which have to be given.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, max_items = 50))]
    pub parameters: BTreeSet<String>,
}

/// A template that was checked: its syntax is right, and it uses no parameter that it does not name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    name: String,
    draft: Draft,
}

/// Words for one customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
}

/// Why there is no such template, or why nothing comes of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The name is none.
    #[error("it is not a template name: 1 to 64 letters, digits, hyphens or underscores")]
    Name,
    /// Too long, or empty.
    #[error("the {part} has {bytes} bytes; 1 to {bytes_max} are allowed")]
    Length {
        /// Which part.
        part: &'static str,
        /// What it has.
        bytes: usize,
        /// What it may have.
        bytes_max: usize,
    },
    /// Too many parameters, or one whose name is empty or too long.
    #[error("parameters: at most {PARAMETERS_MAX} are allowed, each with a name of 1 to {NAME_BYTES_MAX} bytes")]
    Parameters,
    /// Not the language of templates.
    #[error("the {part} cannot be read: {error}")]
    Syntax {
        /// Which part.
        part: &'static str,
        /// What is wrong, and where.
        error: String,
    },
    /// It uses what it does not name.
    #[error("the {part} uses {name:?}, which is not among its parameters")]
    Undeclared {
        /// Which part.
        part: &'static str,
        /// What it uses.
        name: String,
    },
    /// Something it needs was not given.
    #[error("the template {template:?} needs the parameters {missing:?}")]
    Missing {
        /// Which template.
        template: String,
        /// What was not given.
        missing: Vec<String>,
    },
    /// It cannot be filled with what was given.
    #[error("the {part} of the template {template:?} cannot be filled: {error}")]
    Fill {
        /// Which template.
        template: String,
        /// Which part.
        part: &'static str,
        /// What is wrong.
        error: String,
    },
}

impl Template {
    /// The template of this name, if it is one.
    ///
    /// # Errors
    /// Names what is wrong with it.
    pub fn checked(name: impl Into<String>, draft: Draft) -> Result<Self, TemplateError> {
        let name = name.into();
        Self::check_name(&name)?;
        check_parameters(&draft.parameters)?;
        check_part("subject", &draft.subject, SUBJECT_BYTES_MAX, &draft.parameters)?;
        check_part("text", &draft.text, TEXT_BYTES_MAX, &draft.parameters)?;
        Ok(Self { name, draft })
    }

    /// Whether a template may have this name.
    ///
    /// # Errors
    /// When it may not.
    pub fn check_name(name: &str) -> Result<(), TemplateError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain) {
            return Ok(());
        }
        Err(TemplateError::Name)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says.
    #[must_use]
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// The words with these parameters in their places. Parameters that it does not name are passed over.
    ///
    /// # Errors
    /// When a parameter is missing, or what comes of it is too long.
    pub fn fill(&self, parameters: &Map<String, Value>) -> Result<Message, TemplateError> {
        let is_missing = |name: &&String| parameters.get(*name).is_none_or(Value::is_null);
        let missing: Vec<String> = self.draft.parameters.iter().filter(is_missing).cloned().collect();
        if !missing.is_empty() {
            let template = self.name.clone();
            return Err(TemplateError::Missing { template, missing });
        }
        Ok(Message {
            // A line break would start another header of the e-mail.
            subject: self
                .fill_part("subject", &self.draft.subject, SUBJECT_BYTES_MAX, parameters)?
                .replace(char::is_control, " "),
            text: self.fill_part("text", &self.draft.text, TEXT_BYTES_MAX, parameters)?,
        })
    }

    fn fill_part(
        &self,
        part: &'static str,
        source: &str,
        bytes_max: usize,
        parameters: &Map<String, Value>,
    ) -> Result<String, TemplateError> {
        let filled = language()
            .render_str(source, Serde(parameters))
            .map_err(|error| TemplateError::Fill {
                template: self.name.clone(),
                part,
                error: without_values(&error),
            })?;
        check_length(part, &filled, bytes_max).map(|()| filled)
    }
}

fn check_parameters(parameters: &BTreeSet<String>) -> Result<(), TemplateError> {
    let is_valid = |name: &String| (1..=NAME_BYTES_MAX).contains(&name.len());
    match parameters.len() <= PARAMETERS_MAX && parameters.iter().all(is_valid) {
        true => Ok(()),
        false => Err(TemplateError::Parameters),
    }
}

fn check_part(
    part: &'static str,
    source: &str,
    bytes_max: usize,
    parameters: &BTreeSet<String>,
) -> Result<(), TemplateError> {
    check_length(part, source, bytes_max)?;
    let language = language();
    let template = language
        .template_from_str(source)
        .map_err(|error| TemplateError::Syntax {
            part,
            error: without_values(&error),
        })?;
    let mut used: Vec<String> = template.undeclared_variables(false).into_iter().collect();
    used.sort();
    match used.into_iter().find(|name| !parameters.contains(name)) {
        Some(name) => Err(TemplateError::Undeclared { part, name }),
        None => Ok(()),
    }
}

fn check_length(part: &'static str, text: &str, bytes_max: usize) -> Result<(), TemplateError> {
    if (1..=bytes_max).contains(&text.len()) {
        return Ok(());
    }
    Err(TemplateError::Length {
        part,
        bytes: text.len(),
        bytes_max,
    })
}

/// What is wrong, and in which line. The language's own words may quote what the template is filled with.
fn without_values(error: &minijinja::Error) -> String {
    match error.line() {
        Some(line) => format!("{} in line {line}", error.kind()),
        None => error.kind().to_string(),
    }
}

/// Plain text: nothing is escaped. What is not there is an error, never an empty word.
fn language() -> Environment<'static> {
    let mut language = Environment::empty();
    language.set_undefined_behavior(UndefinedBehavior::Strict);
    language
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn draft(subject: &str, text: &str, parameters: &[&str]) -> Draft {
        Draft {
            subject: subject.into(),
            text: text.into(),
            parameters: parameters.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn an_invalid_template_is_refused_when_it_is_written() {
        let long = "x".repeat(TEXT_BYTES_MAX + 1);
        for (name, draft, words) in [
            ("", draft("s", "t", &[]), "not a template name"),
            ("a b", draft("s", "t", &[]), "not a template name"),
            ("ok", draft("", "t", &[]), "subject has 0 bytes"),
            ("ok", draft("s", &long, &[]), "text has"),
            ("ok", draft("s", "{{ orderId", &["orderId"]), "text cannot be read"),
            ("ok", draft("{{ name }}", "t", &["orderId"]), "subject uses \"name\""),
        ] {
            let error = Template::checked(name, draft).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn missing_parameters_are_named_and_extra_ones_ignored() {
        let template = Template::checked("t", draft("{{ a }}", "{{ b }} {{ c }}", &["a", "b", "c"])).unwrap();
        let error = template.fill(&map(json!({"b": 1, "c": null}))).unwrap_err();
        let missing = vec!["a".to_owned(), "c".to_owned()];
        let template_name = "t".to_owned();
        assert_eq!(
            error,
            TemplateError::Missing {
                template: template_name,
                missing
            }
        );
        let message = template
            .fill(&map(json!({"a": "x", "b": 1, "c": "z", "d": []})))
            .unwrap();
        assert_eq!((message.subject.as_str(), message.text.as_str()), ("x", "1 z"));
    }

    #[test]
    fn customer_text_is_neither_template_nor_header() {
        let template = Template::checked("t", draft("Hello {{ name }}", "{{ name }}", &["name"])).unwrap();
        let name = "{{ secret }}\r\nBcc: everybody@example.com <b>";
        let message = template.fill(&map(json!({ "name": name }))).unwrap();
        assert_eq!(message.text, name);
        assert_eq!(message.subject, "Hello {{ secret }}  Bcc: everybody@example.com <b>");
    }

    #[test]
    fn rendered_text_that_is_too_long_is_refused() {
        let template = Template::checked("t", draft("s", "{{ a }}", &["a"])).unwrap();
        let error = template
            .fill(&map(json!({"a": "x".repeat(TEXT_BYTES_MAX + 1)})))
            .unwrap_err();
        assert!(matches!(error, TemplateError::Length { .. }), "{error}");
    }
}
