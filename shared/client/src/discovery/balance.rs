use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use onecommit_environment::Random;

use super::instance::Instance;
use super::member::Member;

/// How the instance of a call is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// Each in turn.
    #[default]
    RoundRobin,
    /// Of two that are drawn, the one with fewer calls under way: slow instances get fewer
    /// (<https://www.eecs.harvard.edu/~michaelm/postscripts/mythesis.pdf>).
    LeastLoadedOfTwo,
}

/// A chosen instance. The call counts as under way until this is dropped.
#[derive(Debug)]
pub struct Picked {
    /// The instance.
    pub instance: Instance,
    calls: Arc<AtomicU32>,
}

impl Picked {
    pub(super) fn of(member: &Member) -> Self {
        member.calls.fetch_add(1, Ordering::Relaxed);
        Self {
            instance: member.instance.clone(),
            calls: member.calls.clone(),
        }
    }
}

impl Drop for Picked {
    fn drop(&mut self) {
        self.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Chooses among the healthy: those that are not left out, and of these those in the caller's zone. When all are left out,
/// among all: some answer is better than none.
pub(super) fn choose<'a>(
    members: &'a [Member],
    zone: Option<&str>,
    balance: Balance,
    turn: usize,
    random: &dyn Random,
    now: Instant,
) -> Option<&'a Member> {
    let healthy: Vec<&Member> = members.iter().filter(|member| member.is_healthy()).collect();
    let used = those(&healthy, |member| !member.is_ejected(now));
    let near = match zone {
        Some(zone) => those(&used, |member| member.instance.zone.as_deref() == Some(zone)),
        None => used,
    };
    let draw = |most: usize| usize::try_from(random.up_to(most as u64)).unwrap_or(0);
    match (near.len(), balance) {
        (0, _) => None,
        (1, _) => Some(near[0]),
        (count, Balance::RoundRobin) => Some(near[turn % count]),
        (count, Balance::LeastLoadedOfTwo) => {
            let one = draw(count - 1);
            // Another one: as far from the first as is drawn, around the list.
            let other = (one + 1 + draw(count - 2)) % count;
            let (one, other) = (near[one], near[other]);
            Some(if other.load() < one.load() { other } else { one })
        }
    }
}

/// Those that fit; all, when none does.
fn those<'a>(members: &[&'a Member], fits: impl Fn(&Member) -> bool) -> Vec<&'a Member> {
    let fitting: Vec<&Member> = members.iter().copied().filter(|member| fits(member)).collect();
    if fitting.is_empty() { members.to_vec() } else { fitting }
}
