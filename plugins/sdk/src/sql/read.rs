//! From values and rows to an author's types, by serde.

use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::row::Column;
use super::value::Value;

/// A value as a type that is asked for.
#[derive(Clone, Copy)]
pub(super) struct OfValue<'v>(pub(super) &'v Value);

impl<'de> OfValue<'_> {
    /// JSON in the form that a visitor asks for.
    fn json<V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Error> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(Error::custom)?;
        value.deserialize_any(visitor).map_err(Error::custom)
    }

    /// A number whose digits are a text, where a number is asked for.
    fn number<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::Decimal(text) = self.0 else { return self.deserialize_any(visitor) };
        if let Ok(value) = text.parse::<i64>() {
            return visitor.visit_i64(value);
        }
        match text.parse::<u64>() {
            Ok(value) => visitor.visit_u64(value),
            Err(_) => visitor.visit_str(text),
        }
    }

    fn float<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Decimal(text) => visitor.visit_f64(text.parse().map_err(Error::custom)?),
            _ => self.deserialize_any(visitor),
        }
    }
}

macro_rules! by {
    ($way:ident: $($method:ident)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.$way(visitor)
        })+
    };
}

impl<'de> Deserializer<'de> for OfValue<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Boolean(value) => visitor.visit_bool(*value),
            Value::Integer(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Bytes(bytes) => visitor.visit_bytes(bytes),
            Value::Json(text) => Self::json(text, visitor),
            Value::Decimal(text)
            | Value::Text(text)
            | Value::Date(text)
            | Value::Time(text)
            | Value::Timestamp(text)
            | Value::Uuid(text) => visitor.visit_str(text),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Integer(value @ (0 | 1)) => visitor.visit_bool(*value == 1),
            _ => self.deserialize_any(visitor),
        }
    }

    by! {number: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
    deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128}
    by! {float: deserialize_f32 deserialize_f64}
    by! {deserialize_str: deserialize_string deserialize_char deserialize_identifier}

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Json(text) => visitor.visit_str(text),
            _ => self.deserialize_any(visitor),
        }
    }

    /// `Vec<u8>` is a sequence to serde.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Bytes(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied())),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bytes byte_buf unit unit_struct map struct tuple_struct ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for OfValue<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A row as a struct, a tuple, or the value of its only column.
#[derive(Clone, Copy)]
pub(super) struct OfRow<'v> {
    pub(super) columns: &'v [Column],
    pub(super) values: &'v [Value],
}

impl<'v> OfRow<'v> {
    fn only(self) -> Result<OfValue<'v>, Error> {
        match self.values {
            [value] => Ok(OfValue(value)),
            values => Err(Error::custom(format!("one column was expected, there are {}", values.len()))),
        }
    }
}

macro_rules! only {
    ($($method:ident)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.only()?.$method(visitor)
        })+
    };
}

impl<'de> Deserializer<'de> for OfRow<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let names = self.columns.iter().map(|column| column.name.as_str());
        visitor.visit_map(MapDeserializer::new(names.zip(self.values.iter().map(OfValue))))
    }

    only! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.values {
            [value @ (Value::Bytes(_) | Value::Json(_))] => OfValue(value).deserialize_seq(visitor),
            values => visitor.visit_seq(SeqDeserializer::new(values.iter().map(OfValue))),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(self.values.iter().map(OfValue)))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        size: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(size, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.values {
            [Value::Null] => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.only()?.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        unit unit_struct map struct identifier ignored_any
    }
}
