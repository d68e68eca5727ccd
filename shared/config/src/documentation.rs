//! Compares the settings that a program reads with the page that documents them, in a test of that program.
//!
//! A page has a section for each program, `## Name`, with a table of the program's own settings, each row as
//! [`Setting::as_table_row`] writes it. Settings that several programs share are in groups, `### Name`, anywhere on the page; a section
//! names those that apply to it on a line that begins with `Common settings:`, by links.
//!
//! ```
//! use onecommit_config::{ConfigError, Reader, Setting, Variables, documentation};
//!
//! const TABLE: Setting = Setting::required("LEDGER_TABLE_NAME", "Table of handled messages");
//! const LEVEL: Setting = Setting::optional("LOG_LEVEL", "info", "How much is logged");
//!
//! fn read(variables: &dyn Variables) -> Result<(String, String), ConfigError> {
//!     let mut reader = Reader::new(variables);
//!     let config = (reader.text(&TABLE), reader.text(&LEVEL));
//!     reader.finish().map(|()| config)
//! }
//!
//! let page = [
//!     "",
//!     "### Logs",
//!     "| `LOG_LEVEL` | `info` | How much is logged |",
//!     "",
//!     "## Consumer",
//!     "Common settings: [Logs](#logs).",
//!     "| `LEDGER_TABLE_NAME` | required | Table of handled messages |",
//! ];
//! let error = read(&[]).unwrap_err();
//! assert!(documentation::differences(&page.join("\n"), "Consumer", error.settings()).is_empty());
//! ```

use crate::Setting;

/// What has to change on the page for `section` to list exactly the settings in `read`; nothing when it does.
///
/// A row whose variable ends in `<NAME>` stands for several settings that differ in that part of their variable.
#[must_use]
pub fn differences(page: &str, section: &str, read: &[Setting]) -> Vec<String> {
    let Some(own) = part(page, &format!("## {section}")) else {
        return vec![format!("there is no section {section}")];
    };
    let groups = groups_of(own);
    let mut rows: Vec<&str> = rows(own).collect();
    let mut wrong = Vec::new();
    for group in groups {
        match part(page, &format!("### {group}")) {
            Some(part) => rows.extend(self::rows(part)),
            None => wrong.push(format!("{section} names the group {group}, which does not exist")),
        }
    }
    let missing = read
        .iter()
        .filter(|setting| !rows.iter().any(|row| documents(row, setting)));
    wrong.extend(missing.map(|setting| format!("{section} lacks the row {}", setting.as_table_row())));
    let unread = rows
        .iter()
        .filter(|row| !read.iter().any(|setting| documents(row, setting)));
    wrong.extend(unread.map(|row| format!("{section} has a row for what is not read: {row}")));
    wrong
}

/// What is below a heading, up to the next one.
fn part<'a>(page: &'a str, heading: &str) -> Option<&'a str> {
    let (_, below) = page.split_once(&format!("\n{heading}\n"))?;
    below.split("\n#").next()
}

fn rows(part: &str) -> impl Iterator<Item = &str> {
    part.lines().filter(|line| line.starts_with("| `"))
}

/// The groups that a section names.
fn groups_of(section: &str) -> Vec<&str> {
    let lines = section.lines().filter_map(|line| line.strip_prefix("Common settings:"));
    let links = lines.flat_map(|line| line.split('[').skip(1));
    links.filter_map(|link| link.split(']').next()).collect()
}

fn documents(row: &str, setting: &Setting) -> bool {
    let written = setting.as_table_row();
    let (Some((name, about)), Some((_, own_about))) = (name_and_rest(row), name_and_rest(&written)) else {
        return false;
    };
    let is_named = match name.split_once('<') {
        Some((before, _)) => setting.name.starts_with(before),
        None => setting.name == name,
    };
    is_named && about == own_about
}

fn name_and_rest(row: &str) -> Option<(&str, &str)> {
    row.strip_prefix("| `")?.split_once('`')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Setting = Setting::required("TABLE", "A table");
    const LEVEL: Setting = Setting::optional("LEVEL", "info", "How much");
    const URL_SQS: Setting = Setting::optional("URL_SQS", "", "Where one service is");
    const URL_SNS: Setting = Setting {
        name: "URL_SNS",
        ..URL_SQS
    };
    const PAGE: &str = "
### Logs

| `LEVEL` | `info` | How much |

### Services

| `URL_<SERVICE>` | not set | Where one service is |

## One

Common settings: [Logs](#logs), [Services](#services).

| `TABLE` | required | A table |

## Two
";

    #[test]
    fn a_section_with_its_groups_lists_what_is_read() {
        let read = [TABLE, LEVEL, URL_SQS, URL_SNS];
        assert_eq!(differences(PAGE, "One", &read), Vec::<String>::new());
    }

    #[test]
    fn a_setting_without_a_row_is_named() {
        let found = differences(PAGE, "Two", &[LEVEL]);
        assert_eq!(found, ["Two lacks the row | `LEVEL` | `info` | How much |"]);
    }

    #[test]
    fn a_row_that_differs_is_named_twice() {
        let read = [Setting::optional("TABLE", "t", "A table"), LEVEL, URL_SQS];
        assert_eq!(
            differences(PAGE, "One", &read),
            [
                "One lacks the row | `TABLE` | `t` | A table |",
                "One has a row for what is not read: | `TABLE` | required | A table |"
            ]
        );
    }

    #[test]
    fn a_row_of_a_group_that_is_not_read_is_named() {
        let found = differences(PAGE, "One", &[TABLE, URL_SQS]);
        assert_eq!(
            found,
            ["One has a row for what is not read: | `LEVEL` | `info` | How much |"]
        );
    }

    #[test]
    fn a_section_that_does_not_exist_is_named() {
        assert_eq!(differences(PAGE, "Three", &[]), ["there is no section Three"]);
    }
}
