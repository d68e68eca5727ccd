//! Private data that is nowhere else, in what all cases send: wherever it shows, something quoted it.

use std::path::Path;

/// A card number.
pub(crate) const CARD: &str = "5105105105105100";
/// The domain of every e-mail address; each address begins with an id of its own.
pub(crate) const EMAIL_DOMAIN: &str = "canary-mail.example";
/// An e-mail address.
pub(crate) const EMAIL: &str = "erika@canary-mail.example";
/// A phone number.
pub(crate) const PHONE: &str = "+4915550199777";
/// A name.
pub(crate) const NAME: &str = "Erika Canarymann";

/// What shows any of them, also where a part was cut off or characters are escaped.
const TRACES: [&str; 4] = ["51051051051051", "canary-mail", "4915550199777", "Canarymann"];

/// The canaries that a text shows.
pub(crate) fn shown_in(text: &str) -> Vec<&'static str> {
    TRACES.into_iter().filter(|trace| text.contains(trace)).collect()
}

/// The lines that show a canary, cut to be read.
pub(crate) fn lines_in(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let shows = lines.into_iter().filter(|line| !shown_in(line).is_empty());
    shows
        .map(|line| line[..line.floor_char_boundary(2_000)].to_owned())
        .collect()
}

/// The lines of a local AWS's own log but those of its SES and SNS, which note whom they sent to: they are the world
/// outside.
pub(crate) fn lines_of_local_aws(log: &Path) -> Vec<String> {
    let log = std::fs::read(log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let is_of_a_carrier = |line: &str| line.contains(" [ses] ") || line.contains(" [sns] ");
    let lines = log.lines().filter(|line| !is_of_a_carrier(line));
    lines.map(str::to_owned).collect()
}
