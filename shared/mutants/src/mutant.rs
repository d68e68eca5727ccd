use std::fmt;
use std::str::FromStr;

macro_rules! mutants {
    ($($(#[$group:meta])* $variant:ident, $name:literal, $says:literal;)*) => {
        /// A bug, named after what is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Mutant { $(#[doc = $says] $variant),* }

        impl Mutant {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name, in kebab-case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What breaks, and how.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says),* }
            }
        }
    };
}

mutants! {
    // ------------------------------------------------------------ the commit
    LedgerRowAfterwards, "ledger-row-afterwards",
        "What was done may be done again: the ledger row lands in a request of its own after the handler's writes.";
    MarkedBeforeHandling, "marked-before-handling",
        "A message may never be handled: it is marked as handled in a request of its own, before the handler runs.";
    EventsAfterwards, "events-afterwards",
        "What happened may never be told: events are appended in a request of their own after the handler's writes.";
    LedgerForgetsEarly, "ledger-forgets-early",
        "What comes back from the dead-letter queue is handled again: ledger rows are kept for five minutes.";
    FingerprintIgnored, "fingerprint-ignored",
        "An event is dropped: another one under an id that was handled counts as a copy.";
    RememberedTooEarly, "remembered-too-early",
        "A message is dropped: the process remembers it as handled before its commit has landed.";
    UnknownCommitIsDone, "unknown-commit-is-done",
        "A message is dropped: a commit that nobody knows the end of counts as landed.";
    ConditionFailedIsDone, "condition-failed-is-done",
        "A message is dropped: a commit counts as landed although a condition of the handler's did not hold.";
    StaleCommitForced, "stale-commit-forced",
        "An update is lost: a commit whose conditions failed is sent once more without them, not worked out anew.";
    OwnConditionBeforeClaim, "own-condition-before-claim",
        "A copy is parked: that a condition of the handler's failed outweighs that the message was handled before.";
    WaitsWithoutLimit, "waits-without-limit",
        "A message is handled long after an outage: the wait before it is delivered again grows without a limit.";
    // ------------------------------------------------------------ group commit
    CompanyCountsAsLanded, "company-counts-as-landed",
        "Messages are dropped: those that shared a cancelled transaction without being to blame count as landed.";
    ReasonsOfNeighbour, "reasons-of-neighbour",
        "A message is parked or dropped for another: the reasons of a cancelled group are dealt out from its end.";
    // ------------------------------------------------------------ the batch
    LaneGoesOn, "lane-goes-on",
        "A message overtakes another of its group: the lane goes on after one that has to come back.";
    ParkedIsOvertaken, "parked-is-overtaken",
        "A message is overtaken and then handled: the lane goes on behind one that the dead-letter queue does not take.";
    OldEventsAccepted, "old-events-accepted",
        "A copy changes the world again: it comes when the ledger has forgotten, and is not recognised as that old.";
    ParkingFailureIsFinished, "parking-failure-is-finished",
        "A message is dropped: one that the dead-letter queue did not take counts as parked.";
    GivenUpIsDropped, "given-up-is-dropped",
        "A message is dropped: one that failed too often counts as done and is not parked.";
    // ------------------------------------------------------------ calls to outside systems
    KeyOfEachDelivery, "key-of-each-delivery",
        "A call is made twice: its idempotency key is another one for each delivery.";
    LeaseWithoutFencing, "lease-without-fencing",
        "A call is made twice: who has lost a lease may still end it for the one who has it now.";
    LeaseCommitUnconditional, "lease-commit-unconditional",
        "A commit lands twice: who has lost the lease may still commit.";
    TakeOverUnconditional, "take-over-unconditional",
        "A call is made twice: two who find a lapsed lease both take it over.";
    TakenOverEarly, "taken-over-early",
        "A call is made twice: a lease is taken over before it has lapsed.";
    LeaseNotRenewed, "lease-not-renewed",
        "A call is made twice: the lease lapses while the call still runs.";
    LeasedIsDuplicate, "leased-is-duplicate",
        "A message is dropped: one that is in somebody's hands counts as a copy, and those hands may fail.";
    UnknownCallReleased, "unknown-call-released",
        "A call is made twice: one that may have happened counts as not made.";
    ReleasedAfterCall, "released-after-call",
        "A call is made twice: when the commit after it fails, the lease goes without a trace.";
    TakeOverWithoutProbe, "take-over-without-probe",
        "A call is made twice: who takes a lease over does not ask what became of the call.";
    ProbeGuessed, "probe-guessed",
        "A call is made twice: when the probe cannot tell, it is taken for not made.";
    // ------------------------------------------------------------ views kept by sequence
    NewerGateOpen, "newer-gate-open",
        "A view goes back in time: a row of last values takes an event that is older than what it shows.";
    NextGateTakesGaps, "next-gate-takes-gaps",
        "A view misses an event: a row that adds up takes any newer event, not only the next.";
    NextGateTakesCopies, "next-gate-takes-copies",
        "A view counts an event twice: a row that adds up takes the one it took last once more.";
    GapIsDuplicate, "gap-is-duplicate",
        "A view misses an event: one that comes too early for the row counts as a copy.";
    // ------------------------------------------------------------ the event store
    SnapshotIsTheEnd, "snapshot-is-the-end",
        "A decision rests on the past: the events since the snapshot are not read.";
    ConflictIsSuccess, "conflict-is-success",
        "Events that were promised are not there: an append that lost its race counts as landed.";
    LostAnswerIsConflict, "lost-answer-is-conflict",
        "Something happens twice: an append whose answer was lost is not recognised, and decided anew.";
}

impl fmt::Display for Mutant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// There is no bug of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMutant(String);

impl fmt::Display for UnknownMutant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no mutant is called {:?}; there are", self.0)?;
        Mutant::ALL.iter().try_for_each(|mutant| write!(formatter, " {mutant}"))
    }
}

impl std::error::Error for UnknownMutant {}

/// From its [name](Mutant::name).
impl FromStr for Mutant {
    type Err = UnknownMutant;

    fn from_str(name: &str) -> Result<Self, UnknownMutant> {
        let found = Self::ALL.iter().find(|mutant| mutant.name() == name);
        found.copied().ok_or_else(|| UnknownMutant(name.to_owned()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use std::collections::HashSet;

    use super::Mutant;

    fn in_kebab_case(variant: &str) -> String {
        let words = variant.split_inclusive(|_| true).map(|letter| {
            if letter.chars().all(char::is_uppercase) {
                format!("-{}", letter.to_lowercase())
            } else {
                letter.to_owned()
            }
        });
        words.collect::<String>().trim_start_matches('-').to_owned()
    }

    #[test]
    fn each_is_found_by_its_name_which_is_that_of_the_variant() {
        for mutant in Mutant::ALL {
            assert_eq!(mutant.to_string(), in_kebab_case(&format!("{mutant:?}")));
            assert_eq!(mutant.name().parse(), Ok(*mutant));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_there_are() {
        let unknown = "ledger-eaten".parse::<Mutant>().unwrap_err().to_string();
        assert!(unknown.contains("\"ledger-eaten\""));
        assert!(Mutant::ALL.iter().all(|mutant| unknown.contains(mutant.name())));
    }

    #[test]
    fn each_says_in_one_sentence_of_its_own_what_breaks_and_how() {
        let said: HashSet<&str> = Mutant::ALL.iter().map(|mutant| mutant.says()).collect();
        assert_eq!(said.len(), Mutant::ALL.len());
        assert!(
            said.iter()
                .all(|sentence| sentence.contains(": ") && sentence.ends_with('.'))
        );
    }
}
