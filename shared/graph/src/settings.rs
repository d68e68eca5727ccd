use onecommit_environment::setters;

use crate::limits::GraphLimits;
use crate::query::TrustedDocuments;

/// How a gateway answers.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct GraphSettings {
    /// What a query may be.
    pub limits: GraphLimits,
    /// The only queries that are answered; any, if it is not set.
    pub trusted: Option<TrustedDocuments>,
    /// Whether the schema may be asked for, and errors suggest names that exist: not, if it is not set, and never with
    /// trusted documents.
    pub introspection: bool,
    /// The origins, such as `https://shop.example`, whose pages may send requests; none but the gateway's own, if it is not
    /// set.
    pub origins: Vec<String>,
}

setters!(GraphSettings {
    limits: GraphLimits,
    trusted: Option<TrustedDocuments>,
    introspection: bool,
    origins: Vec<String>,
});

impl GraphSettings {
    pub(crate) fn shows_schema(&self) -> bool {
        self.introspection && self.trusted.is_none()
    }
}
