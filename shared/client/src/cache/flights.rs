use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared};
use http::Response;

use super::key::FlightKey;
use crate::exchange::Exchanged;
use crate::trouble::Trouble;

/// So many entries of ended requests are kept before they are looked for.
const ENTRIES_BEFORE_SWEEP: usize = 256;

/// Requests under way, which callers of the same share. One ends when nobody waits for it any more.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<FlightKey, WeakShared<Exchanged>>>);

/// A request under way, and whether somebody else began it.
pub(super) struct Flight {
    pub(super) answer: Shared<Exchanged>,
    pub(super) is_joined: bool,
}

pub(super) type Landed = Result<Response<Bytes>, Trouble>;

impl Flights {
    /// The request under way, or the one that `begin` makes.
    pub(super) fn join(&self, key: FlightKey, begin: impl FnOnce() -> Exchanged) -> Flight {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = flights.get(&key).and_then(WeakShared::upgrade);
        if let Some(answer) = under_way.filter(|answer| answer.peek().is_none()) {
            return Flight {
                answer,
                is_joined: true,
            };
        }
        if flights.len() >= ENTRIES_BEFORE_SWEEP {
            flights.retain(|_, flight| flight.upgrade().is_some_and(|answer| answer.peek().is_none()));
        }
        let answer = begin().shared();
        if let Some(weak) = answer.downgrade() {
            flights.insert(key, weak);
        }
        Flight {
            answer,
            is_joined: false,
        }
    }
}
