use std::fs;

use serde_json::Value;

use crate::workspace::root;

/// The formats of the access logs, each as one line.
fn access_log_formats() -> Vec<String> {
    let template = fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    let mut formats = Vec::new();
    for (_, rest) in template
        .match_indices("Format: >-\n")
        .map(|(place, found)| template.split_at(place + found.len()))
    {
        let lines = rest.lines().map(str::trim);
        let format: Vec<&str> = lines.take_while(|line| !line.starts_with("- ")).collect();
        formats.push(format.join(" "));
    }
    formats
}

/// A line of the access log, with this in place of each variable.
fn line(format: &str, value: &str) -> String {
    let mut parts = format.split("$context.");
    let mut line = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.');
        line.push_str(value);
        line.push_str(&part[end.unwrap_or(part.len())..]);
    }
    line
}

#[test]
fn access_logs_are_json_whatever_the_gateway_knows() {
    let formats = access_log_formats();
    assert!(!formats.is_empty());
    for format in formats {
        // What the gateway does not know it writes as a hyphen.
        for value in ["-", "200"] {
            let line = line(&format, value);
            assert!(serde_json::from_str::<Value>(&line).is_ok(), "{line}");
        }
        // Words that a caller chose are not escaped by the gateway.
        for free in [
            "$context.path\"",
            "$context.error.message\"",
            "$context.identity.userAgent",
        ] {
            assert!(!format.contains(free), "{format}");
        }
    }
}
