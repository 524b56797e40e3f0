//! Values as MariaDB and MySQL send and take them.

use mysql_async::{Column as Told, Params, Row, Value as Wire, consts::ColumnType};

use crate::{
    SqlError, calendar,
    error::misfit,
    value::{Column, Kind, Value},
};

/// The character set of bytes that are no text.
const BINARY: u16 = 63;

pub(super) fn parameters(values: &[Value]) -> Result<Params, SqlError> {
    if values.is_empty() {
        return Ok(Params::Empty);
    }
    let wire = values.iter().enumerate().map(|(place, value)| {
        parameter(value).ok_or_else(|| {
            let kind = value.kind().as_str();
            misfit(place + 1, &format!("no {kind}"), "one as ISO 8601 writes it")
        })
    });
    Ok(Params::Positional(wire.collect::<Result<_, _>>()?))
}

/// What type a parameter has these databases do not say: they convert what comes.
fn parameter(value: &Value) -> Option<Wire> {
    Some(match value {
        Value::Null => Wire::NULL,
        Value::Boolean(is) => Wire::Int((*is).into()),
        Value::Integer(number) => Wire::Int(*number),
        Value::Float(number) => Wire::Double(*number),
        Value::Bytes(bytes) => Wire::Bytes(bytes.clone()),
        Value::Decimal(text) | Value::Text(text) | Value::Uuid(text) | Value::Json(text) => {
            Wire::Bytes(text.clone().into_bytes())
        }
        Value::Time(text) => Wire::Bytes(text.clone().into_bytes()),
        Value::Date(text) => {
            calendar::parse_date(text)?;
            Wire::Bytes(text.clone().into_bytes())
        }
        // The session's zone is UTC.
        Value::Timestamp(text) => {
            let at = calendar::parse_timestamp(text)?;
            Wire::Bytes(calendar::timestamp(at.microseconds).into_bytes())
        }
    })
}

pub(super) fn columns(told: &[Told]) -> Vec<Column> {
    told.iter().map(|told| Column { name: told.name_str().into_owned(), kind: kind(told) }).collect()
}

fn kind(told: &Told) -> Kind {
    use ColumnType::*;
    match told.column_type() {
        MYSQL_TYPE_TINY | MYSQL_TYPE_SHORT | MYSQL_TYPE_LONG | MYSQL_TYPE_LONGLONG | MYSQL_TYPE_INT24
        | MYSQL_TYPE_YEAR | MYSQL_TYPE_BIT => Kind::Integer,
        MYSQL_TYPE_FLOAT | MYSQL_TYPE_DOUBLE => Kind::Float,
        MYSQL_TYPE_DECIMAL | MYSQL_TYPE_NEWDECIMAL => Kind::Decimal,
        MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE => Kind::Date,
        MYSQL_TYPE_TIME | MYSQL_TYPE_TIME2 => Kind::Time,
        MYSQL_TYPE_TIMESTAMP | MYSQL_TYPE_TIMESTAMP2 | MYSQL_TYPE_DATETIME | MYSQL_TYPE_DATETIME2 => {
            Kind::Timestamp
        }
        MYSQL_TYPE_NULL => Kind::Null,
        MYSQL_TYPE_JSON => Kind::Json,
        MYSQL_TYPE_GEOMETRY => Kind::Bytes,
        _ if told.character_set() == BINARY => Kind::Bytes,
        _ => Kind::Text,
    }
}

pub(super) fn row(row: Row) -> impl Iterator<Item = Value> {
    let told = row.columns();
    row.unwrap().into_iter().enumerate().map(move |(place, value)| value_of(value, &told[place]))
}

fn value_of(value: Wire, told: &Told) -> Value {
    match value {
        Wire::NULL => Value::Null,
        Wire::Int(number) => Value::Integer(number),
        Wire::UInt(number) => {
            i64::try_from(number).map_or_else(|_| Value::Decimal(number.to_string()), Value::Integer)
        }
        // The number that the digits of the shorter one say.
        Wire::Float(number) => Value::Float(number.to_string().parse().unwrap_or_else(|_| f64::from(number))),
        Wire::Double(number) => Value::Float(number),
        Wire::Date(year, month, day, hour, minute, second, microsecond) => {
            let date = calendar::date_of(year.into(), month.into(), day.into());
            if kind(told) == Kind::Date {
                return Value::Date(date);
            }
            let mut text = format!("{date}T{hour:02}:{minute:02}:{second:02}");
            calendar::add_fraction(&mut text, microsecond.into());
            if told.column_type() == ColumnType::MYSQL_TYPE_TIMESTAMP {
                text.push('Z');
            }
            Value::Timestamp(text)
        }
        Wire::Time(is_negative, days, hours, minutes, seconds, microseconds) => {
            let sign = if is_negative { "-" } else { "" };
            let mut text = format!("{sign}{:02}:{minutes:02}:{seconds:02}", days * 24 + u32::from(hours));
            calendar::add_fraction(&mut text, microseconds.into());
            Value::Time(text)
        }
        Wire::Bytes(bytes) => bytes_of(bytes, told),
    }
}

fn bytes_of(bytes: Vec<u8>, told: &Told) -> Value {
    if told.column_type() == ColumnType::MYSQL_TYPE_BIT {
        let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        return value_of(Wire::UInt(number), told);
    }
    let kind = kind(told);
    if kind == Kind::Bytes {
        return Value::Bytes(bytes);
    }
    match String::from_utf8(bytes) {
        Err(error) => Value::Bytes(error.into_bytes()),
        Ok(text) => match kind {
            Kind::Decimal => Value::Decimal(text),
            Kind::Json => Value::Json(text),
            _ => Value::Text(text),
        },
    }
}
