mod abandon;
mod announce;
mod clean;
mod rebuild;
mod status;

use onecommit_views::Generation;

pub(crate) use abandon::abandon;
pub(crate) use announce::announce;
pub(crate) use clean::clean;
pub(crate) use rebuild::rebuild;
pub(crate) use status::status;

/// Some generations in words, such as `1, 2`.
fn listed(generations: &[Generation]) -> String {
    let numbers: Vec<String> = generations.iter().map(ToString::to_string).collect();
    numbers.join(", ")
}

#[cfg(test)]
mod kit;
