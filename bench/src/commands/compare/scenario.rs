//! What the messages are like.

/// Which of the messages were seen before, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// None.
    Unique,
    /// Half: half of those in the same batch, half in earlier batches of the same process.
    HalfDuplicates,
    /// Half, in batches that another process handled.
    HalfHandledElsewhere,
}

impl Scenario {
    pub(crate) const ALL: [Self; 3] = [Self::Unique, Self::HalfDuplicates, Self::HalfHandledElsewhere];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unique => "all unique",
            Self::HalfDuplicates => "half duplicates",
            Self::HalfHandledElsewhere => "half handled by another process",
        }
    }
}
