use std::borrow::Cow;

use serde::de::value::CowStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_json::value::RawValue;

use crate::error::JsonError;
use crate::key::Key;
use crate::members::{Items, Kind, Member, Object, Text, read};
use crate::number::Decimal;

/// The name under which `RawValue` asks for a value's text. A test notices if it ever changes.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// A value, read as its type asks and no wider.
pub(crate) struct Strict<'de>(pub(crate) &'de RawValue);

type Result<T> = std::result::Result<T, JsonError>;

impl<'de> Strict<'de> {
    fn kind(&self) -> Kind {
        Kind::of(self.0)
    }

    fn expected<T>(&self, expected: &dyn serde::de::Expected) -> Result<T> {
        let found = serde::de::Unexpected::Other("");
        let problem = JsonError::invalid_value(found, expected);
        Err(JsonError::data(format!(
            "{}, found {}",
            problem.problem(),
            self.kind().words()
        )))
    }

    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.kind() != Kind::Text {
            return self.expected(&visitor);
        }
        let Text(text) = read(self.0)?;
        match text {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn whole<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.kind() != Kind::Number {
            return self.expected(&visitor);
        }
        let text = self.0.get();
        if let Ok(number) = text.parse::<u64>() {
            return visitor.visit_u64(number);
        }
        match Decimal::of(text).whole() {
            Some(whole) => match (u64::try_from(whole), i64::try_from(whole)) {
                (Ok(number), _) => visitor.visit_u64(number),
                (_, Ok(number)) => visitor.visit_i64(number),
                _ => visitor.visit_i128(whole),
            },
            None => Err(JsonError::invalid_value(serde::de::Unexpected::Other(""), &visitor)),
        }
    }

    fn number<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.kind() != Kind::Number {
            return self.expected(&visitor);
        }
        match self.0.get().parse::<f64>() {
            Ok(number) if number.is_finite() => visitor.visit_f64(number),
            _ => Err(JsonError::data("the number is out of range")),
        }
    }

    fn list<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.kind() != Kind::List {
            return self.expected(&visitor);
        }
        let Items(items) = read(self.0)?;
        let (length, mut items) = (items.len(), List::of(items));
        let value = visitor.visit_seq(&mut items)?;
        match items.position {
            read if read == length => Ok(value),
            read => Err(JsonError::data(format!("expected {read} items, found {length}"))),
        }
    }

    fn object<V: Visitor<'de>>(self, visitor: V, keep: fn(&Member<'_>) -> bool) -> Result<V::Value> {
        if self.kind() != Kind::Object {
            return self.expected(&visitor);
        }
        let mut members = Object::from_raw(self.0)?.into_members();
        members.retain(keep);
        visitor.visit_map(Members::of(members))
    }
}

fn all(_: &Member<'_>) -> bool {
    true
}

/// `null` is absence, for fields with a default as for those that are `Option`s.
fn present((_, value): &Member<'_>) -> bool {
    Kind::of(value) != Kind::Null
}

macro_rules! forward {
    ($to:ident: $($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            self.$to(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Strict<'de> {
    type Error = JsonError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.kind() {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool => visitor.visit_bool(self.0.get() == "true"),
            Kind::Number => match Decimal::of(self.0.get()).whole() {
                Some(whole) if u64::try_from(whole).is_ok() || i64::try_from(whole).is_ok() => self.whole(visitor),
                _ => self.number(visitor),
            },
            Kind::Text => self.text(visitor),
            Kind::List => self.list(visitor),
            Kind::Object => self.object(visitor, all),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.kind() {
            Kind::Bool => self.deserialize_any(visitor),
            _ => self.expected(&visitor),
        }
    }

    forward! {whole: deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128}
    forward! {whole: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128}
    forward! {number: deserialize_f32 deserialize_f64}
    forward! {text: deserialize_char deserialize_str deserialize_string deserialize_identifier}
    forward! {list: deserialize_seq}
    forward! {deserialize_any: deserialize_bytes deserialize_byte_buf}

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.kind() {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.kind() {
            Kind::Null => visitor.visit_unit(),
            _ => self.expected(&visitor),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        if name != RAW_VALUE {
            return visitor.visit_newtype_struct(self);
        }
        let as_text = self.0.deserialize_newtype_struct(name, visitor);
        as_text.map_err(|error| JsonError::syntax(&error))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.list(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, visitor: V) -> Result<V::Value> {
        self.list(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.object(visitor, all)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.object(visitor, present)
    }

    /// `"name"`, or `{"name": content}`.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.kind() {
            Kind::Text => {
                let Text(text) = read(self.0)?;
                let variant: CowStrDeserializer<'de, JsonError> = text.into_deserializer();
                variant.deserialize_enum(name, variants, visitor)
            }
            Kind::Object => {
                let mut members = Object::from_raw(self.0)?.into_members();
                match (members.pop(), members.is_empty()) {
                    (Some((name, content)), true) => visitor.visit_enum(Variant { name, content }),
                    _ => Err(JsonError::data("expected an object with one member")),
                }
            }
            _ => self.expected(&visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }
}

struct List<'de> {
    items: std::vec::IntoIter<&'de RawValue>,
    position: usize,
}

impl<'de> List<'de> {
    fn of(items: Vec<&'de RawValue>) -> Self {
        Self {
            items: items.into_iter(),
            position: 0,
        }
    }
}

impl<'de> SeqAccess<'de> for &mut List<'de> {
    type Error = JsonError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        let Some(item) = self.items.next() else {
            return Ok(None);
        };
        let value = seed.deserialize(Strict(item));
        let value = value.map_err(|error| error.in_item(self.position))?;
        self.position += 1;
        Ok(Some(value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Members<'de> {
    members: std::vec::IntoIter<Member<'de>>,
    current: Option<Member<'de>>,
}

impl<'de> Members<'de> {
    fn of(members: Vec<Member<'de>>) -> Self {
        Self {
            members: members.into_iter(),
            current: None,
        }
    }
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = JsonError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let Some((name, value)) = self.members.next() else {
            return Ok(None);
        };
        self.current = Some((name.clone(), value));
        seed.deserialize(Key(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        let Some((name, value)) = self.current.take() else {
            return Err(JsonError::data("a value was asked for before its name"));
        };
        seed.deserialize(Strict(value)).map_err(|error| error.in_member(&name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.members.len())
    }
}

struct Variant<'de> {
    name: Cow<'de, str>,
    content: &'de RawValue,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = JsonError;
    type Variant = Content<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'de>)> {
        let content = Content {
            name: self.name.clone(),
            content: self.content,
        };
        Ok((seed.deserialize(Key(self.name))?, content))
    }
}

/// What belongs to a variant of an enum.
struct Content<'de> {
    name: Cow<'de, str>,
    content: &'de RawValue,
}

impl<'de> VariantAccess<'de> for Content<'de> {
    type Error = JsonError;

    fn unit_variant(self) -> Result<()> {
        serde::Deserialize::deserialize(Strict(self.content)).map_err(|error: JsonError| error.in_member(&self.name))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        let value = seed.deserialize(Strict(self.content));
        value.map_err(|error| error.in_member(&self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        let value = Strict(self.content).list(visitor);
        value.map_err(|error| error.in_member(&self.name))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value> {
        let value = Strict(self.content).object(visitor, present);
        value.map_err(|error| error.in_member(&self.name))
    }
}
