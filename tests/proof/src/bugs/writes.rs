//! Bugs of what a commit writes.

use std::sync::Arc;

use onecommit_commit::Write;
use onecommit_testing::simulation::{EVENTS, Sabotage};

use super::bug::Bug;
use super::rewriting::{is_of, is_record, unconditional};

pub(super) const BUGS: &[Bug] = &[
    Bug::sabotage(
        "ledger-put-unconditional",
        "A copy changes the world again: the ledger row is put whether or not there is one.",
        |_| Arc::new(LedgerPutUnconditional),
    ),
    Bug::sabotage(
        "append-unconditional",
        "An event vanishes: one is put over the other that was appended at its version meanwhile.",
        |_| Arc::new(AppendUnconditional),
    ),
];

struct LedgerPutUnconditional;

impl Sabotage for LedgerPutUnconditional {
    fn alter(&self, write: Write) -> Write {
        if is_record(&write) { unconditional(write) } else { write }
    }
}

struct AppendUnconditional;

impl Sabotage for AppendUnconditional {
    fn alter(&self, write: Write) -> Write {
        match write {
            append @ Write::Put(_) if is_of(&append, EVENTS) => unconditional(append),
            other => other,
        }
    }
}
