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
    // ------------------------------------------------------------ generations of views
    DoneForOneIsDoneForAll, "done-for-one-is-done-for-all",
        "A view misses an event: what one view has handled does not come back for another that has not.";
    ControlRowsReadOnce, "control-rows-read-once",
        "The generation that serves misses events: a projector never looks at the control rows again.";
    ReplayWithoutWaiting, "replay-without-waiting",
        "A new generation misses events: its replay begins before every projector knows of it.";
    PositionBeforeHandling, "position-before-handling",
        "A new generation misses events: a replay's position is noted before the events up to it are handled.";
    SwitchedDespiteParked, "switched-despite-parked",
        "A generation serves that misses events: those that could not be handled do not keep it from serving.";
    // ------------------------------------------------------------ the relay
    FailedCountsAsLeft, "failed-counts-as-left",
        "An event never leaves: one that a destination did not take for now counts as published.";
    MarksClearedFirst, "marks-cleared-first",
        "An event never leaves, or is overtaken: the mark that it has to is cleared before it was published.";
    SeenBeforePublish, "seen-before-publish",
        "An event never leaves: the process remembers it as published before it was.";
    NextLeavesThoughFailed, "next-leaves-though-failed",
        "An event is overtaken and then never leaves: the next of its aggregate goes although it did not.";
    PredecessorsNotLookedFor, "predecessors-not-looked-for",
        "An event is overtaken and then never leaves: those before the one at hand are not looked for.";
    RestartAssumesAllLeft, "restart-assumes-all-left",
        "An event is overtaken: a process that remembers nothing takes it that all before has left.";
    RecoveryPassesFailed, "recovery-passes-failed",
        "An event never leaves: what a recovery could not publish loses its mark all the same.";
    RefusedIsDropped, "refused-is-dropped",
        "An event vanishes: one that a destination refuses is not parked.";
    UnparkedCountsAsLeft, "unparked-counts-as-left",
        "An event vanishes: one that the dead-letter queue did not take counts as parked.";
    // ------------------------------------------------------------ sagas
    SagaRowUnconditional, "saga-row-unconditional",
        "A transition is lost: a saga's row is put over the one that another message made meanwhile.";
    CacheTrusted, "cache-trusted",
        "An answer is dropped, or a deadline: what a process remembers of a saga is not compared with what is expected.";
    OldDeadlineAccepted, "old-deadline-accepted",
        "A step is given up that was in time: a deadline counts although the saga has moved on since.";
    DeadlineIdWithoutVersion, "deadline-id-without-version",
        "A saga stands still: its second deadline has the id of its first and counts as a copy.";
    CompensationSkipped, "compensation-skipped",
        "Something stays done: the first step of a saga that is taken back is not undone.";
    CompensationsInWrongOrder, "compensations-in-wrong-order",
        "What others rest on is undone first: compensations run in the order of the steps.";
    LateSuccessIgnored, "late-success-ignored",
        "Something stays done: a step that succeeds after it was given up is not undone again.";
    OldUndoAnswerCounts, "old-undo-answer-counts",
        "Something stays done: the answer to an undo that came before the step succeeded counts for it.";
    CancelledPastPivot, "cancelled-past-pivot",
        "What was decided is taken back: a saga is cancelled after its pivot.";
    CallNumberOfEachAttempt, "call-number-of-each-attempt",
        "A call is made twice: one whose outcome nobody knows is repeated with another idempotency key.";
    RepeatedCommandNotSent, "repeated-command-not-sent",
        "A saga stands still: only the first command of a step leaves, those that repeat it are only written down.";
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
