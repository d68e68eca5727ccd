use std::collections::BTreeMap;
use std::fmt;

/// What a request does to one resource, as policies see it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Call {
    /// Service and action, such as `dynamodb:PutItem`.
    pub action: String,
    /// The resource's ARN; `*` where an action takes none.
    pub resource: String,
    /// What conditions may look at. A key that is not there is one that the request does not have.
    pub keys: BTreeMap<Key, Vec<String>>,
}

impl Call {
    /// A call without condition keys.
    #[must_use]
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
            keys: BTreeMap::new(),
        }
    }

    /// The same call with a key of so many values.
    #[must_use]
    pub fn with(mut self, key: Key, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.keys.insert(key, values.into_iter().map(Into::into).collect());
        self
    }
}

macro_rules! keys {
    ($($(#[$about:meta])* $key:ident = $name:literal),* $(,)?) => {
        /// A condition key that policies may use here. Any other is refused when a policy is read.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub enum Key { $($(#[$about])* $key),* }

        impl Key {
            /// As policies write it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$key => $name),* }
            }

            /// By its name, whose case does not matter.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                [$(Self::$key),*].into_iter().find(|key| key.name().eq_ignore_ascii_case(name))
            }
        }
    };
}

keys! {
    /// Partition keys of the rows that a request is for.
    LeadingKeys = "dynamodb:LeadingKeys",
    /// Top-level attributes that a request names: of its item or key, and of its expressions.
    Attributes = "dynamodb:Attributes",
    /// What a write is to answer with.
    ReturnValues = "dynamodb:ReturnValues",
    /// The transaction that an entry belongs to.
    EnclosingOperation = "dynamodb:EnclosingOperation",
    /// The resource in whose name a service acts.
    SourceArn = "aws:SourceArn",
    /// Its account.
    SourceAccount = "aws:SourceAccount",
    /// Whether the request came over TLS.
    SecureTransport = "aws:SecureTransport",
    /// The role that asks.
    PrincipalArn = "aws:PrincipalArn",
    /// Its account.
    PrincipalAccount = "aws:PrincipalAccount",
    /// The address an e-mail comes from.
    FromAddress = "ses:FromAddress",
    /// The sources that the events of a request name.
    EventSource = "events:source",
    /// What kind of event it says it is.
    DetailType = "events:detail-type",
    /// What the keys of a listing begin with.
    Prefix = "s3:prefix",
}

impl Key {
    /// Whether a request has several values of it: a condition has to say whether it means all or any.
    #[must_use]
    pub fn has_many_values(self) -> bool {
        matches!(
            self,
            Self::LeadingKeys | Self::Attributes | Self::EventSource | Self::DetailType
        )
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
