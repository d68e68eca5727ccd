//! Somebody outside who forges, and another consumer's role that misbehaves: what is genuine is handled as if they were not
//! there.

mod attacks;
mod intruder;
mod outsider;
mod scenario;
#[cfg(test)]
mod tests;

pub(crate) use scenario::Adversary;
