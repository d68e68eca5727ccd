//! Configuration from environment variables, read once at start. Everything that is missing or wrong is reported at
//! once, each with what it is for.
//!
//! ```
//! use onecommit_config::{Reader, Setting};
//!
//! const TABLE: Setting = Setting::required("LEDGER_TABLE_NAME", "Table of handled messages");
//! const DAYS: Setting = Setting::optional("LEDGER_RETENTION_DAYS", "30", "Days a handled message is remembered");
//!
//! let variables = [("LEDGER_RETENTION_DAYS", "a month")];
//! let mut reader = Reader::new(&variables);
//! let (_table, _days) = (reader.text(&TABLE), reader.whole_number(&DAYS, 1..=3650));
//! let error = reader.finish().unwrap_err().to_string();
//! assert!(error.contains("LEDGER_TABLE_NAME") && error.contains("LEDGER_RETENTION_DAYS"));
//! ```

pub mod documentation;

use std::fmt;
use std::ops::RangeInclusive;

/// Where variables come from.
pub trait Variables {
    /// The value of a variable; an empty one counts as not set.
    fn get(&self, name: &str) -> Option<String>;
}

/// The environment of this process.
#[derive(Clone, Copy, Debug)]
pub struct Process;

impl Variables for Process {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }
}

impl<const N: usize> Variables for [(&str, &str); N] {
    fn get(&self, name: &str) -> Option<String> {
        self.iter()
            .find(|(key, value)| *key == name && !value.is_empty())
            .map(|(_, value)| (*value).to_owned())
    }
}

/// One setting: its variable, what it is for with its unit, and what holds when it is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The variable.
    pub name: &'static str,
    /// What it is for, with its unit.
    pub about: &'static str,
    /// What holds when it is not set; `None` when it must be.
    pub default: Option<&'static str>,
}

impl Setting {
    /// A setting that must be there.
    #[must_use]
    pub const fn required(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            default: None,
        }
    }

    /// A setting with a default.
    #[must_use]
    pub const fn optional(name: &'static str, default: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            default: Some(default),
        }
    }

    /// Its row of the documentation's table.
    #[must_use]
    pub fn as_table_row(&self) -> String {
        let default = match self.default {
            None => "required".to_owned(),
            Some("") => "not set".to_owned(),
            Some(value) => format!("`{value}`"),
        };
        format!("| `{}` | {} | {} |", self.name, default, self.about)
    }
}

/// Reads settings and collects what is wrong with them.
pub struct Reader<'a> {
    variables: &'a dyn Variables,
    settings: Vec<Setting>,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Reads from these variables.
    pub fn new(variables: &'a dyn Variables) -> Self {
        Self {
            variables,
            settings: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// A text.
    pub fn text(&mut self, setting: &Setting) -> String {
        let found = self.text_if_set(setting).or_else(|| setting.default.map(str::to_owned));
        found.unwrap_or_else(|| {
            self.problems
                .push(format!("{} is not set: {}", setting.name, setting.about));
            String::new()
        })
    }

    /// A text, or nothing.
    pub fn text_if_set(&mut self, setting: &Setting) -> Option<String> {
        if !self.settings.contains(setting) {
            self.settings.push(*setting);
        }
        self.variables.get(setting.name)
    }

    /// A whole number in a range.
    pub fn whole_number(&mut self, setting: &Setting, range: RangeInclusive<u64>) -> u64 {
        let text = self.text(setting);
        match text.parse() {
            Ok(number) if range.contains(&number) => number,
            _ if text.is_empty() => *range.start(),
            _ => {
                let (least, most) = (range.start(), range.end());
                self.problem(setting, &text, &format!("a whole number from {least} to {most}"));
                *least
            }
        }
    }

    /// One of a few words, each with what it stands for.
    pub fn choice<T: Copy>(&mut self, setting: &Setting, choices: &[(&str, T)]) -> T {
        let text = self.text(setting);
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        if !text.is_empty() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.problem(setting, &text, &format!("one of {}", words.join(", ")));
        }
        choices[0].1
    }

    /// A value of another type, read by `parse`, which says what it expected instead.
    pub fn parsed<T, E: fmt::Display>(
        &mut self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(setting);
        if text.is_empty() {
            return None;
        }
        parse(&text)
            .map_err(|error| self.problem(setting, &text, &error.to_string()))
            .ok()
    }

    /// A secret, read by `parse`, which says what it expected instead; nothing when it is not set. No problem quotes it.
    pub fn secret<T, E: fmt::Display>(
        &mut self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text_if_set(setting)?;
        parse(&text)
            .map_err(|error| {
                let Setting { name, about, .. } = setting;
                self.problems.push(format!("{name} is not {error}: {about}"));
            })
            .ok()
    }

    /// Every setting that was read so far.
    #[must_use]
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// All is well, or all that is not.
    ///
    /// # Errors
    /// When anything was missing or wrong.
    pub fn finish(self) -> Result<(), ConfigError> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(ConfigError {
                settings: self.settings,
                problems: self.problems,
            })
        }
    }

    fn problem(&mut self, setting: &Setting, found: &str, expected: &str) {
        self.problems.push(format!(
            "{}={found:?} is not {expected}: {}",
            setting.name, setting.about
        ));
    }
}

/// All that is missing or wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError {
    settings: Vec<Setting>,
    problems: Vec<String>,
}

impl ConfigError {
    /// One line per problem.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Every setting that was read, whether it was right or wrong; a test compares them with the documentation.
    #[must_use]
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the configuration has {} problem(s): {}",
            self.problems.len(),
            self.problems.join("; ")
        )
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Setting = Setting::required("TABLE", "A table");
    const DAYS: Setting = Setting::optional("DAYS", "30", "Days");
    const POLICY: Setting = Setting::optional("POLICY", "ignore", "What to do");
    const CHOICES: [(&str, u8); 2] = [("ignore", 0), ("park", 1)];

    #[test]
    fn everything_wrong_is_reported_at_once() {
        let variables = [("DAYS", "0"), ("POLICY", "explode"), ("TABLE", "")];
        let mut reader = Reader::new(&variables);
        reader.text(&TABLE);
        reader.whole_number(&DAYS, 1..=90);
        reader.choice(&POLICY, &CHOICES);
        let error = reader.finish().unwrap_err();
        assert_eq!(error.problems().len(), 3);
        assert!(error.to_string().contains("TABLE is not set: A table"));
        assert!(error.to_string().contains("from 1 to 90") && error.to_string().contains("one of ignore, park"));
    }

    #[test]
    fn a_wrong_secret_is_reported_and_not_quoted() {
        const KEY: Setting = Setting::optional("KEY", "", "Key");
        let variables = [("KEY", "s3cr3t")];
        let mut reader = Reader::new(&variables);
        assert_eq!(reader.secret(&KEY, |_| Err::<(), _>("a word")), None);
        assert_eq!(reader.finish().unwrap_err().problems(), ["KEY is not a word: Key"]);
        let mut reader = Reader::new(&[]);
        assert_eq!(reader.secret(&KEY, |_| Err::<(), _>("a word")), None);
        reader.finish().unwrap();
    }

    #[test]
    fn defaults_hold_when_nothing_is_set() {
        let variables = [("TABLE", "t")];
        let mut reader = Reader::new(&variables);
        assert_eq!(reader.text(&TABLE), "t");
        assert_eq!(reader.whole_number(&DAYS, 1..=90), 30);
        assert_eq!(reader.choice(&POLICY, &CHOICES), 0);
        reader.finish().unwrap();
    }
}
