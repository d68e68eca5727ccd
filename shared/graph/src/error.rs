use serde::{Serialize, Serializer};

/// An error of an answer: words for people, a code for programs, and where.
///
/// It quotes nothing of what a subgraph or a network said that was not written for callers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GraphError {
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    path: Vec<Segment>,
    extensions: Extensions,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Extensions {
    code: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "serviceName")]
    subgraph: Option<Box<str>>,
}

/// A place in the text of a query, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Location {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A step from the root of an answer to a place in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// An entry of a list, from 0.
    Index(usize),
    /// A field, by its name in the answer.
    Key(String),
}

impl Serialize for Segment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Index(index) => serializer.serialize_u64(*index as u64),
            Self::Key(key) => serializer.serialize_str(key),
        }
    }
}

impl GraphError {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            locations: Vec::new(),
            path: Vec::new(),
            extensions: Extensions {
                code: code.into(),
                subgraph: None,
            },
        }
    }

    pub(crate) fn at(mut self, path: Vec<Segment>) -> Self {
        self.path = path;
        self
    }

    pub(crate) fn located(mut self, locations: Vec<Location>) -> Self {
        self.locations = locations;
        self
    }

    pub(crate) fn of_subgraph(mut self, subgraph: &str) -> Self {
        self.extensions.subgraph = Some(subgraph.into());
        self
    }

    /// The words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.extensions.code
    }

    /// Where in the answer; empty when it concerns all of it.
    #[must_use]
    pub fn path(&self) -> &[Segment] {
        &self.path
    }
}
