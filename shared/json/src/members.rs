use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::JsonError;

/// A member of an object: its name, and its value as text.
pub type Member<'a> = (Cow<'a, str>, &'a RawValue);

/// An object whose values have not been looked into: each is the text that was written.
#[derive(Debug)]
pub struct Object<'a>(Vec<Member<'a>>);

impl<'a> Object<'a> {
    /// The members of an object, of those with one name the last.
    ///
    /// # Errors
    /// When the text is not JSON, or not an object.
    pub fn of_text(text: &'a str) -> Result<Self, JsonError> {
        match serde_json::from_str(text) {
            Ok(All(mut members)) => {
                keep_the_last(&mut members);
                Ok(Self(members))
            }
            // The long way, for what is wrong with it.
            Err(_) => Self::from_raw(crate::raw(text)?),
        }
    }

    /// The same of JSON that was found sound before.
    ///
    /// # Errors
    /// When it is not an object.
    pub fn from_raw(raw: &'a RawValue) -> Result<Self, JsonError> {
        if Kind::of(raw) != Kind::Object {
            return Err(JsonError::data(format!(
                "expected an object, found {}",
                Kind::of(raw).words()
            )));
        }
        let All(mut members) = read(raw)?;
        keep_the_last(&mut members);
        Ok(Self(members))
    }

    /// The same of a request: members with one name are refused. What the members hold is for others to check.
    ///
    /// # Errors
    /// When the text is not JSON, not an object, or has two members of one name.
    pub fn from_request(text: &'a str) -> Result<Self, JsonError> {
        let raw = crate::raw(text)?;
        let object = Self::from_raw(raw)?;
        refuse_copies(raw)?;
        Ok(object)
    }

    /// Takes a member out; `null` is absence.
    pub fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let place = self.0.iter().position(|(member, _)| member == name)?;
        let (_, value) = self.0.remove(place);
        (Kind::of(value) != Kind::Null).then_some(value)
    }

    /// A member's text; `null` is absence.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        let (_, value) = self.0.iter().find(|(member, _)| member == name)?;
        (Kind::of(value) != Kind::Null).then_some(*value)
    }

    /// All members, in their order.
    #[must_use]
    pub fn into_members(self) -> Vec<Member<'a>> {
        self.0
    }
}

/// What a value is, by its first character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    Text,
    List,
    Object,
}

impl Kind {
    pub(crate) fn of(raw: &RawValue) -> Self {
        match raw.get().as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Bool,
            Some(b'"') => Self::Text,
            Some(b'[') => Self::List,
            Some(b'{') => Self::Object,
            _ => Self::Number,
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Object => "an object",
        }
    }
}

/// A part of JSON that was found sound. What may still be wrong are escapes in its texts.
pub(crate) fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, JsonError> {
    serde_json::from_str(raw.get()).map_err(|_| {
        JsonError::data("the text, or a name in it, holds half of a surrogate pair, which is not a character")
    })
}

/// A text, borrowed when it has no escapes.
#[derive(serde::Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// The members of an object, copies too.
pub(crate) struct All<'a>(pub(crate) Vec<Member<'a>>);

impl<'de> Deserialize<'de> for All<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = All<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<All<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(Text(name)) = map.next_key()? {
                    members.push((name, map.next_value()?));
                }
                Ok(All(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// The items of a list.
pub(crate) struct Items<'a>(pub(crate) Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Items<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Items(items))
            }
        }

        deserializer.deserialize_seq(List)
    }
}

/// Refuses an object that has two members of one name.
pub(crate) fn refuse_copies(object: &RawValue) -> Result<(), JsonError> {
    let All(members) = read(object)?;
    let mut names = HashSet::new();
    match members.iter().find(|(name, _)| !names.insert(name)) {
        Some((name, _)) => Err(JsonError::data("it is written twice").in_member(name)),
        None => Ok(()),
    }
}

/// Few members are compared with each other; many, which come from somebody who wants to cost time, are hashed.
const FEW: usize = 16;

fn keep_the_last(members: &mut Vec<Member<'_>>) {
    if members.len() <= FEW {
        let mut place = 0;
        while place < members.len() {
            let (name, later) = (&members[place].0, &members[place + 1..]);
            if later.iter().any(|(other, _)| other == name) {
                members.remove(place);
            } else {
                place += 1;
            }
        }
        return;
    }
    let mut seen = HashSet::with_capacity(members.len());
    let mut keep: Vec<bool> = members.iter().rev().map(|(name, _)| seen.insert(name)).collect();
    keep.reverse();
    let mut keep = keep.into_iter();
    members.retain(|_| keep.next().unwrap_or(true));
}
