use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

/// Unknown fields, each as it was written, in order.
#[derive(Clone, Debug, Default)]
pub struct UnknownFields(Vec<(String, Box<RawValue>)>);

impl UnknownFields {
    /// The text of a field's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    /// Whether there is such a field.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether there is none at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), &**value))
    }

    /// Sets a field, in the place of one with this name.
    pub fn insert(&mut self, name: impl Into<String>, value: Box<RawValue>) {
        let name = name.into();
        self.remove(&name);
        self.0.push((name, value));
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }
}

/// Of names that differ, as an object's members are after they were read.
impl<'a> FromIterator<(std::borrow::Cow<'a, str>, &'a RawValue)> for UnknownFields {
    fn from_iter<I: IntoIterator<Item = (std::borrow::Cow<'a, str>, &'a RawValue)>>(fields: I) -> Self {
        let owned = |(name, value): (std::borrow::Cow<'a, str>, &'a RawValue)| (name.into_owned(), value.to_owned());
        Self(fields.into_iter().map(owned).collect())
    }
}

impl PartialEq for UnknownFields {
    fn eq(&self, other: &Self) -> bool {
        let texts = |fields: &Self| -> Vec<(String, String)> {
            let text = |(name, value): (&str, &RawValue)| (name.to_owned(), value.get().to_owned());
            fields.iter().map(text).collect()
        };
        texts(self) == texts(other)
    }
}

impl Serialize for UnknownFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
