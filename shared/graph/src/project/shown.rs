use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

/// A value of the answer. Its fields keep the order of the query.
pub(super) enum Shown<'a> {
    Null,
    Leaf(&'a Value),
    Name(&'a str),
    List(Vec<Shown<'a>>),
    Object(Vec<(&'a str, Shown<'a>)>),
}

impl Shown<'_> {
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Leaf(value) => value.serialize(serializer),
            Self::Name(name) => serializer.serialize_str(name),
            Self::List(entries) => {
                let mut list = serializer.serialize_seq(Some(entries.len()))?;
                for entry in entries {
                    list.serialize_element(entry)?;
                }
                list.end()
            }
            Self::Object(fields) => {
                let mut object = serializer.serialize_map(Some(fields.len()))?;
                for (key, value) in fields {
                    object.serialize_entry(key, value)?;
                }
                object.end()
            }
        }
    }
}
