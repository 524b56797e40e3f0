//! What comes from PostgreSQL, by the types of its columns.

use std::{error::Error, fmt::Write as _};

use postgres_protocol::types as wire;
use serde_json::value::RawValue;
use tokio_postgres::{
    Row, Statement,
    types::{FromSql, Kind as TypeKind, Type},
};

use super::numeric;
use crate::{
    ErrorKind, SqlError, calendar,
    error::lost,
    value::{Column, Kind, Value},
};

/// Of 2000-01-01, from where PostgreSQL counts, to 1970.
const EPOCH_DAYS: i64 = 10_957;
const EPOCH_MICROSECONDS: i64 = EPOCH_DAYS * 86_400_000_000;

type Broken = Box<dyn Error + Sync + Send>;

/// Fails for a type that nothing here reads.
pub(super) fn columns(statement: &Statement) -> Result<Vec<Column>, SqlError> {
    let columns = statement.columns().iter().map(|column| {
        let kind = kind(column.type_()).ok_or_else(|| {
            let type_name = column.type_().name().to_owned();
            ErrorKind::UnsupportedType { column: column.name().to_owned(), type_name }.undone()
        })?;
        Ok(Column { name: column.name().to_owned(), kind })
    });
    columns.collect()
}

fn kind(r#type: &Type) -> Option<Kind> {
    Some(match *r#type {
        Type::BOOL => Kind::Boolean,
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => Kind::Integer,
        Type::FLOAT4 | Type::FLOAT8 => Kind::Float,
        Type::NUMERIC => Kind::Decimal,
        Type::BYTEA => Kind::Bytes,
        Type::DATE => Kind::Date,
        Type::TIME | Type::TIMETZ => Kind::Time,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => Kind::Timestamp,
        Type::UUID => Kind::Uuid,
        Type::JSON | Type::JSONB => Kind::Json,
        Type::VOID => Kind::Null,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::CHAR | Type::UNKNOWN | Type::XML => {
            Kind::Text
        }
        Type::INTERVAL | Type::INET | Type::CIDR | Type::MACADDR => Kind::Text,
        _ => match r#type.kind() {
            TypeKind::Enum(_) => Kind::Text,
            TypeKind::Domain(of) => kind(of)?,
            TypeKind::Array(of) if kind(of).is_some_and(|kind| kind != Kind::Json || is_json(of)) => {
                Kind::Json
            }
            _ if r#type.name() == "citext" => Kind::Text,
            _ => return None,
        },
    })
}

fn is_json(r#type: &Type) -> bool {
    matches!(*r#type, Type::JSON | Type::JSONB)
}

/// A value as it came.
struct Raw<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Broken> {
        Ok(Self(Some(bytes)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Broken> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

pub(super) fn row(row: &Row, columns: &[Column], values: &mut Vec<Value>) -> Result<(), SqlError> {
    for (place, (told, named)) in row.columns().iter().zip(columns).enumerate() {
        let raw: Raw<'_> = row.try_get(place).map_err(|error| lost(error).maybe())?;
        values.push(match raw.0 {
            None => Value::Null,
            Some(bytes) => value(told.type_(), bytes).map_err(|error| {
                let text = format!("column {:?} can't be read: {error}", named.name);
                ErrorKind::Other { text }.maybe()
            })?,
        });
    }
    Ok(())
}

fn value(r#type: &Type, bytes: &[u8]) -> Result<Value, Broken> {
    Ok(match *r#type {
        Type::BOOL => Value::Boolean(wire::bool_from_sql(bytes)?),
        Type::INT2 => Value::Integer(wire::int2_from_sql(bytes)?.into()),
        Type::INT4 => Value::Integer(wire::int4_from_sql(bytes)?.into()),
        Type::INT8 => Value::Integer(wire::int8_from_sql(bytes)?),
        Type::OID => Value::Integer(wire::oid_from_sql(bytes)?.into()),
        Type::FLOAT4 => Value::Float(widened(wire::float4_from_sql(bytes)?)),
        Type::FLOAT8 => Value::Float(wire::float8_from_sql(bytes)?),
        Type::NUMERIC => Value::Decimal(numeric::text(bytes).ok_or("it is no number")?),
        Type::BYTEA => Value::Bytes(bytes.to_vec()),
        Type::DATE => Value::Date(date(wire::date_from_sql(bytes)?)),
        Type::TIME => Value::Time(calendar::time(wire::time_from_sql(bytes)?)),
        Type::TIMETZ => Value::Time(time_with_zone(bytes)?),
        Type::TIMESTAMP => Value::Timestamp(timestamp(wire::timestamp_from_sql(bytes)?, "")),
        Type::TIMESTAMPTZ => Value::Timestamp(timestamp(wire::timestamp_from_sql(bytes)?, "Z")),
        Type::UUID => Value::Uuid(uuid(wire::uuid_from_sql(bytes)?)),
        Type::JSON => Value::Json(wire::text_from_sql(bytes)?.to_owned()),
        Type::JSONB => {
            // Its version is before it.
            let text = bytes.strip_prefix(&[1]).ok_or("it is of an unknown version")?;
            Value::Json(wire::text_from_sql(text)?.to_owned())
        }
        Type::VOID => Value::Null,
        Type::INTERVAL => Value::Text(interval(bytes)?),
        Type::INET | Type::CIDR => Value::Text(address(r#type, bytes)?),
        Type::MACADDR => {
            let parts = wire::macaddr_from_sql(bytes)?.map(|part| format!("{part:02x}"));
            Value::Text(parts.join(":"))
        }
        _ => match r#type.kind() {
            TypeKind::Domain(of) => value(of, bytes)?,
            TypeKind::Array(of) => Value::Json(array(of, bytes)?),
            _ => Value::Text(wire::text_from_sql(bytes)?.to_owned()),
        },
    })
}

/// The number that the digits of the shorter one say, as PostgreSQL shows it.
fn widened(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| f64::from(number))
}

fn date(days: i32) -> String {
    match days {
        i32::MAX => "infinity".to_owned(),
        i32::MIN => "-infinity".to_owned(),
        days => calendar::date(i64::from(days) + EPOCH_DAYS),
    }
}

fn timestamp(microseconds: i64, zone: &str) -> String {
    match microseconds {
        i64::MAX => "infinity".to_owned(),
        i64::MIN => "-infinity".to_owned(),
        microseconds => {
            format!("{}{zone}", calendar::timestamp(microseconds.saturating_add(EPOCH_MICROSECONDS)))
        }
    }
}

fn time_with_zone(bytes: &[u8]) -> Result<String, Broken> {
    let (time, zone) = bytes.split_at_checked(8).ok_or("it is too short")?;
    // Seconds west of UTC.
    let west = wire::int4_from_sql(zone)?;
    let sign = if west > 0 { '-' } else { '+' };
    let (hours, minutes) = (west.abs() / 3600, west.abs() / 60 % 60);
    Ok(format!("{}{sign}{hours:02}:{minutes:02}", calendar::time(wire::time_from_sql(time)?)))
}

fn uuid(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&place) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A duration of ISO 8601: `P1Y2M3DT4H5M6.7S`.
fn interval(bytes: &[u8]) -> Result<String, Broken> {
    let (time, rest) = bytes.split_at_checked(8).ok_or("it is too short")?;
    let (days, months) = rest.split_at_checked(4).ok_or("it is too short")?;
    let microseconds = wire::int8_from_sql(time)?;
    let (days, months) = (wire::int4_from_sql(days)?, wire::int4_from_sql(months)?);
    let mut text = "P".to_owned();
    for (amount, unit) in [(months / 12, 'Y'), (months % 12, 'M'), (days, 'D')] {
        if amount != 0 {
            let _ = write!(text, "{amount}{unit}");
        }
    }
    let seconds = microseconds / 1_000_000;
    let fraction = microseconds % 1_000_000;
    if microseconds != 0 {
        text.push('T');
        for (amount, unit) in [(seconds / 3600, 'H'), (seconds / 60 % 60, 'M')] {
            if amount != 0 {
                let _ = write!(text, "{amount}{unit}");
            }
        }
        if seconds % 60 != 0 || fraction != 0 {
            let sign = if microseconds < 0 { "-" } else { "" };
            let _ = write!(text, "{sign}{}", (seconds % 60).abs());
            calendar::add_fraction(&mut text, fraction.abs());
            text.push('S');
        }
    }
    if text.len() == 1 {
        text.push_str("T0S");
    }
    Ok(text)
}

fn address(r#type: &Type, bytes: &[u8]) -> Result<String, Broken> {
    let inet = wire::inet_from_sql(bytes)?;
    let all = if inet.addr().is_ipv4() { 32 } else { 128 };
    let is_bare = *r#type == Type::INET && inet.netmask() == all;
    Ok(if is_bare { inet.addr().to_string() } else { format!("{}/{}", inet.addr(), inet.netmask()) })
}

/// Arrays within arrays for more than one dimension.
fn array(of: &Type, bytes: &[u8]) -> Result<String, Broken> {
    use fallible_iterator::FallibleIterator as _;
    let array = wire::array_from_sql(bytes)?;
    let lengths: Vec<i32> = array.dimensions().map(|dimension| Ok(dimension.len)).collect()?;
    let mut values = array.values();
    let mut parts = Vec::new();
    while let Some(element) = values.next()? {
        parts.push(match element {
            None => "null".to_owned(),
            Some(bytes) => json(&value(of, bytes)?)?,
        });
    }
    for length in lengths.iter().rev() {
        let length = usize::try_from(*length)?.max(1);
        parts = parts.chunks(length).map(|chunk| format!("[{}]", chunk.join(","))).collect();
    }
    Ok(parts.pop().unwrap_or_else(|| "[]".to_owned()))
}

fn json(value: &Value) -> Result<String, Broken> {
    Ok(match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(is) => is.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) if number.is_finite() => serde_json::to_string(number)?,
        Value::Float(number) => serde_json::to_string(&number.to_string())?,
        Value::Json(text) => RawValue::from_string(text.clone())?.get().to_owned(),
        Value::Bytes(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            serde_json::to_string(&digits)?
        }
        Value::Decimal(text)
        | Value::Text(text)
        | Value::Date(text)
        | Value::Time(text)
        | Value::Timestamp(text)
        | Value::Uuid(text) => serde_json::to_string(text)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(microseconds: i64, days: i32, months: i32) -> String {
        let bytes: Vec<u8> =
            [&microseconds.to_be_bytes()[..], &days.to_be_bytes(), &months.to_be_bytes()].concat();
        interval(&bytes).unwrap()
    }

    #[test]
    fn intervals_are_durations() {
        assert_eq!(shown(0, 0, 0), "PT0S");
        assert_eq!(shown(3_723_500_000, 3, 14), "P1Y2M3DT1H2M3.5S");
        assert_eq!(shown(-500_000, 0, 0), "PT-0.5S");
        assert_eq!(shown(-3_600_000_000, -1, 0), "P-1DT-1H");
    }
}
