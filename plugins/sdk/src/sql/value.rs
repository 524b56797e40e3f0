//! What stands in rows, and what statements are given.

use crate::host::sql as bus;

/// A value as the contract has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    /// Every digit kept: `12.50`. Integers that are too large for `Integer` come as one, too.
    Decimal(String),
    Text(String),
    Bytes(Vec<u8>),
    /// `2026-11-30`
    Date(String),
    /// `14:05:09.25`
    Time(String),
    /// `2026-11-30T14:05:09.25`, with `Z` where the type has a time zone.
    Timestamp(String),
    Uuid(String),
    Json(String),
}

impl Value {
    pub(crate) fn received(value: bus::Value) -> Self {
        match value {
            bus::Value::Null => Self::Null,
            bus::Value::Boolean(value) => Self::Boolean(value),
            bus::Value::Integer(value) => Self::Integer(value),
            bus::Value::Float(value) => Self::Float(value),
            bus::Value::Decimal(text) => Self::Decimal(text),
            bus::Value::Text(text) => Self::Text(text),
            bus::Value::Bytes(bytes) => Self::Bytes(bytes),
            bus::Value::Date(text) => Self::Date(text),
            bus::Value::Time(text) => Self::Time(text),
            bus::Value::Timestamp(text) => Self::Timestamp(text),
            bus::Value::Uuid(text) => Self::Uuid(text),
            bus::Value::Json(text) => Self::Json(text),
        }
    }

    pub(crate) fn into_bus(self) -> bus::Value {
        match self {
            Self::Null => bus::Value::Null,
            Self::Boolean(value) => bus::Value::Boolean(value),
            Self::Integer(value) => bus::Value::Integer(value),
            Self::Float(value) => bus::Value::Float(value),
            Self::Decimal(text) => bus::Value::Decimal(text),
            Self::Text(text) => bus::Value::Text(text),
            Self::Bytes(bytes) => bus::Value::Bytes(bytes),
            Self::Date(text) => bus::Value::Date(text),
            Self::Time(text) => bus::Value::Time(text),
            Self::Timestamp(text) => bus::Value::Timestamp(text),
            Self::Uuid(text) => bus::Value::Uuid(text),
            Self::Json(text) => bus::Value::Json(text),
        }
    }
}

/// What can be given for a mark of a statement: numbers, texts, bytes, `Option`s of them, JSON, and any [`Value`], which
/// is how dates, times, decimals and UUIDs are given: `&Value::Date("2026-11-30".to_owned())`.
pub trait Parameter {
    fn to_value(&self) -> Value;
}

pub(super) fn to_bus(parameters: &[&dyn Parameter]) -> Vec<bus::Value> {
    parameters.iter().map(|parameter| parameter.to_value().into_bus()).collect()
}

macro_rules! parameters {
    ($($kind:ty: $variant:ident by $from:path),+ $(,)?) => {
        $(impl Parameter for $kind {
            fn to_value(&self) -> Value {
                Value::$variant($from(self.clone()))
            }
        })+
    };
}

parameters! {
    bool: Boolean by bool::from,
    i8: Integer by i64::from,
    i16: Integer by i64::from,
    i32: Integer by i64::from,
    i64: Integer by i64::from,
    u8: Integer by i64::from,
    u16: Integer by i64::from,
    u32: Integer by i64::from,
    f32: Float by f64::from,
    f64: Float by f64::from,
    String: Text by String::from,
}

/// One that is too large for 64 bits with a sign is a decimal.
impl Parameter for u64 {
    fn to_value(&self) -> Value {
        i64::try_from(*self).map_or_else(|_| Value::Decimal(self.to_string()), Value::Integer)
    }
}

impl Parameter for str {
    fn to_value(&self) -> Value {
        Value::Text(self.to_owned())
    }
}

impl Parameter for [u8] {
    fn to_value(&self) -> Value {
        Value::Bytes(self.to_vec())
    }
}

impl Parameter for Vec<u8> {
    fn to_value(&self) -> Value {
        Value::Bytes(self.clone())
    }
}

impl Parameter for serde_json::Value {
    fn to_value(&self) -> Value {
        Value::Json(self.to_string())
    }
}

impl Parameter for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }
}

impl<T: Parameter> Parameter for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, Parameter::to_value)
    }
}

impl<T: Parameter + ?Sized> Parameter for &T {
    fn to_value(&self) -> Value {
        (**self).to_value()
    }
}
