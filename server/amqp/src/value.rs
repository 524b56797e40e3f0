//! Values in headers: what JSON can say, and bytes and times beside it.
//!
//! Of what a broker sends, every kind of integer becomes [`Value::Integer`], both kinds of floating point number
//! [`Value::Number`], and a decimal, which has no image here, text such as `"12.50"`. Long strings are text if they
//! are UTF-8 and bytes otherwise; in names, what is not UTF-8 becomes question marks. Tables and lists that are nested
//! more than 32 levels deep come as the bytes that they are made of.
//!
//! In the other direction nothing is guessed: text is a long string, integers have 64 bits. A name of more than 255
//! bytes, or a table that is nested too deeply, is refused.

use std::collections::BTreeMap;

use bytes::Bytes;
use lapin::types::{AMQPValue, ByteArray, DecimalValue, FieldArray, FieldTable, LongString, ShortString};

use crate::bounds::{HEADER_DEPTH_MAX, SHORT_BYTES_MAX};

/// By name.
pub type Headers = BTreeMap<String, Value>;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    Bytes(Bytes),
    /// Seconds since 1970.
    Timestamp(u64),
    List(Vec<Value>),
    Table(Headers),
}

/// Why headers or arguments can't be said in AMQP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsayable {
    #[error("the name {0:?} of a header is longer than {SHORT_BYTES_MAX} bytes")]
    LongName(String),
    #[error("headers are nested more than {HEADER_DEPTH_MAX} levels deep")]
    TooDeep,
}

/// What a broker sent; how deep it can be is bounded where frames come in.
pub(crate) fn read_table(table: &FieldTable) -> Headers {
    table.inner().iter().map(|(name, value)| (name.to_string(), read(value))).collect()
}

fn read(value: &AMQPValue) -> Value {
    match value {
        AMQPValue::Boolean(value) => Value::Bool(*value),
        AMQPValue::ShortShortInt(value) => Value::Integer((*value).into()),
        AMQPValue::ShortShortUInt(value) => Value::Integer((*value).into()),
        AMQPValue::ShortInt(value) => Value::Integer((*value).into()),
        AMQPValue::ShortUInt(value) => Value::Integer((*value).into()),
        AMQPValue::LongInt(value) => Value::Integer((*value).into()),
        AMQPValue::LongUInt(value) => Value::Integer((*value).into()),
        AMQPValue::LongLongInt(value) => Value::Integer(*value),
        AMQPValue::Float(value) => Value::Number((*value).into()),
        AMQPValue::Double(value) => Value::Number(*value),
        AMQPValue::DecimalValue(value) => Value::Text(decimal(*value)),
        AMQPValue::ShortString(value) => Value::Text(value.to_string()),
        AMQPValue::LongString(value) => text_or_bytes(value.as_bytes()),
        AMQPValue::Timestamp(value) => Value::Timestamp(*value),
        AMQPValue::ByteArray(value) => Value::Bytes(Bytes::copy_from_slice(value.as_slice())),
        AMQPValue::Void => Value::Null,
        AMQPValue::FieldArray(items) => Value::List(items.as_slice().iter().map(read).collect()),
        AMQPValue::FieldTable(table) => Value::Table(read_table(table)),
    }
}

fn text_or_bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::Text(text.to_owned()),
        Err(_) => Value::Bytes(Bytes::copy_from_slice(bytes)),
    }
}

/// The digits of `value` with `scale` of them after the point.
fn decimal(DecimalValue { scale, value }: DecimalValue) -> String {
    let digits = value.to_string();
    match usize::from(scale) {
        0 => digits,
        scale => {
            let digits = format!("{digits:0>width$}", width = scale + 1);
            let (whole, part) = digits.split_at(digits.len() - scale);
            format!("{whole}.{part}")
        }
    }
}

pub(crate) fn write_table(headers: &Headers) -> Result<FieldTable, Unsayable> {
    write_members(headers, HEADER_DEPTH_MAX)
}

fn write_members(headers: &Headers, levels: usize) -> Result<FieldTable, Unsayable> {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        let short = ShortString::try_new(name.as_str()).map_err(|_| Unsayable::LongName(name.clone()))?;
        table.insert(short, write(value, levels)?);
    }
    Ok(table)
}

fn write(value: &Value, levels: usize) -> Result<AMQPValue, Unsayable> {
    Ok(match value {
        Value::Null => AMQPValue::Void,
        Value::Bool(value) => AMQPValue::Boolean(*value),
        Value::Integer(value) => AMQPValue::LongLongInt(*value),
        Value::Number(value) => AMQPValue::Double(*value),
        Value::Text(value) => AMQPValue::LongString(LongString::from(value.as_str())),
        Value::Bytes(value) => AMQPValue::ByteArray(ByteArray::from(value.as_ref())),
        Value::Timestamp(value) => AMQPValue::Timestamp(*value),
        Value::List(_) | Value::Table(_) if levels == 0 => return Err(Unsayable::TooDeep),
        Value::List(items) => {
            let items: Result<Vec<_>, _> = items.iter().map(|item| write(item, levels - 1)).collect();
            AMQPValue::FieldArray(FieldArray::from(items?))
        }
        Value::Table(table) => AMQPValue::FieldTable(write_members(table, levels - 1)?),
    })
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(members: Vec<(&str, Value)>) -> Headers {
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn nested(levels: usize) -> Headers {
        (0..levels)
            .fold(table(vec![("leaf", Value::Null)]), |inner, _| table(vec![("in", Value::Table(inner))]))
    }

    #[test]
    fn what_is_written_is_read() {
        let headers = table(vec![
            ("null", Value::Null),
            ("yes", Value::Bool(true)),
            ("least", Value::Integer(i64::MIN)),
            ("pi", Value::Number(3.25)),
            ("text", Value::from("zw\u{f6}lf")),
            ("bytes", Value::Bytes(Bytes::from_static(&[0xff, 0]))),
            ("time", Value::Timestamp(1_700_000_000)),
            ("list", Value::List(vec![Value::Integer(1), Value::List(vec![]), Value::Null])),
            ("table", Value::Table(table(vec![("inner", Value::from("x"))]))),
        ]);
        assert_eq!(read_table(&write_table(&headers).unwrap()), headers);
    }

    #[test]
    fn what_has_no_image_is_text() {
        let read = |value: AMQPValue| read(&value);
        let decimal = |scale, value| AMQPValue::DecimalValue(DecimalValue { scale, value });
        assert_eq!(read(decimal(2, 1250)), Value::from("12.50"));
        assert_eq!(read(decimal(3, 7)), Value::from("0.007"));
        assert_eq!(read(decimal(0, 7)), Value::from("7"));
        assert_eq!(read(AMQPValue::LongUInt(u32::MAX)), Value::Integer(4_294_967_295));
        let long = |bytes: &[u8]| AMQPValue::LongString(LongString::from(bytes));
        assert_eq!(read(long(b"text")), Value::from("text"));
        assert_eq!(read(long(&[0xff])), Value::Bytes(Bytes::from_static(&[0xff])));
    }

    #[test]
    fn depth_and_names_are_bounded() {
        assert!(write_table(&nested(HEADER_DEPTH_MAX)).is_ok());
        assert_eq!(write_table(&nested(HEADER_DEPTH_MAX + 1)), Err(Unsayable::TooDeep));
        let long = "n".repeat(SHORT_BYTES_MAX + 1);
        let error = write_table(&table(vec![(&long, Value::Null)])).unwrap_err();
        assert!(error.to_string().ends_with("is longer than 255 bytes"), "{error}");
    }
}
