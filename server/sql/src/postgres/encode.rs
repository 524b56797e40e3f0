//! Parameters, as PostgreSQL wants them: it has said of each what its type is. They go as texts, which it reads by that
//! type's own rules, or as bytes.

use std::error::Error;

use tokio_postgres::{
    Statement,
    types::{Format, IsNull, Kind, ToSql, Type, private::BytesMut, to_sql_checked},
};

use crate::{ErrorKind, SqlError, calendar, error::misfit, value::Value};

#[derive(Debug)]
pub(super) enum Parameter<'a> {
    Null,
    Text(&'a str),
    Made(String),
    Bytes(&'a [u8]),
}

impl ToSql for Parameter<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Made(text) => out.extend_from_slice(text.as_bytes()),
            Self::Bytes(bytes) => out.extend_from_slice(bytes),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        if matches!(self, Self::Bytes(_)) { Format::Binary } else { Format::Text }
    }

    to_sql_checked!();
}

pub(super) fn parameters<'a>(
    statement: &Statement,
    values: &'a [Value],
) -> Result<Vec<Parameter<'a>>, SqlError> {
    let types = statement.params();
    if types.len() != values.len() {
        let text = format!("it has {} parameters, and {} values are given", types.len(), values.len());
        return Err(ErrorKind::InvalidStatement { text }.undone());
    }
    let encoded = types.iter().zip(values).enumerate().map(|(place, (r#type, value))| {
        let wanted = base(r#type);
        parameter(wanted, value).ok_or_else(|| {
            let wanted = wanted_of(wanted);
            misfit(place + 1, value.kind().as_str(), &format!("{} ({wanted})", r#type.name()))
        })
    });
    encoded.collect()
}

/// A domain is sent as what it is made of.
fn base(r#type: &Type) -> &Type {
    match r#type.kind() {
        Kind::Domain(of) => base(of),
        _ => r#type,
    }
}

fn wanted_of(r#type: &Type) -> &'static str {
    match *r#type {
        Type::BOOL => "boolean",
        Type::INT2 => "integer from -32768 to 32767",
        Type::INT4 => "integer from -2147483648 to 2147483647",
        Type::INT8 => "integer",
        Type::FLOAT4 | Type::FLOAT8 => "float or integer",
        Type::NUMERIC => "decimal, integer or float",
        Type::BYTEA => "bytes",
        Type::DATE => "date",
        Type::TIME => "time",
        Type::TIMESTAMP | Type::TIMESTAMPTZ => "timestamp",
        Type::UUID => "uuid",
        Type::JSON | Type::JSONB => "json",
        _ => "text",
    }
}

/// `None`: it does not fit.
fn parameter<'a>(wanted: &Type, value: &'a Value) -> Option<Parameter<'a>> {
    Some(match (wanted, value) {
        (_, Value::Null) => Parameter::Null,
        (&Type::BOOL, Value::Boolean(is)) => Parameter::Text(if *is { "t" } else { "f" }),
        (&Type::INT2, Value::Integer(number)) => Parameter::Made(i16::try_from(*number).ok()?.to_string()),
        (&Type::INT4, Value::Integer(number)) => Parameter::Made(i32::try_from(*number).ok()?.to_string()),
        (&Type::OID, Value::Integer(number)) => Parameter::Made(u32::try_from(*number).ok()?.to_string()),
        (&Type::INT8 | &Type::NUMERIC | &Type::FLOAT4 | &Type::FLOAT8, Value::Integer(number)) => {
            Parameter::Made(number.to_string())
        }
        (&Type::FLOAT4 | &Type::FLOAT8 | &Type::NUMERIC, Value::Float(number)) => {
            Parameter::Made(number.to_string())
        }
        (&Type::INT2 | &Type::INT4 | &Type::INT8, Value::Decimal(text)) => {
            text.parse::<i64>().ok().filter(|number| in_range(wanted, *number))?;
            Parameter::Text(text)
        }
        (&Type::FLOAT4 | &Type::FLOAT8 | &Type::NUMERIC, Value::Decimal(text)) => {
            is_decimal(text).then_some(Parameter::Text(text))?
        }
        (&Type::BYTEA, Value::Bytes(bytes)) => Parameter::Bytes(bytes),
        (&Type::BYTEA, _) | (_, Value::Bytes(_)) => return None,
        (&Type::UUID, Value::Uuid(text) | Value::Text(text)) => {
            is_uuid(text).then_some(Parameter::Text(text))?
        }
        (&Type::JSON | &Type::JSONB, Value::Json(text) | Value::Text(text)) => {
            serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
            no_nul(text)?
        }
        (&Type::DATE, Value::Date(text) | Value::Text(text)) => {
            calendar::parse_date(text)?;
            Parameter::Text(text)
        }
        (&Type::TIME, Value::Time(text) | Value::Text(text)) => {
            calendar::parse_time(text)?;
            Parameter::Text(text)
        }
        (&Type::TIMESTAMP, Value::Timestamp(text) | Value::Text(text) | Value::Date(text)) => {
            // PostgreSQL would drop the zone and keep the digits.
            let at = calendar::parse_timestamp(text)?;
            Parameter::Made(calendar::timestamp(at.microseconds))
        }
        (&Type::TIMESTAMPTZ, Value::Timestamp(text) | Value::Text(text) | Value::Date(text)) => {
            let at = calendar::parse_timestamp(text)?;
            Parameter::Made(format!("{}Z", calendar::timestamp(at.microseconds)))
        }
        (wanted, value) => as_text(wanted, value)?,
    })
}

fn in_range(wanted: &Type, number: i64) -> bool {
    match *wanted {
        Type::INT2 => i16::try_from(number).is_ok(),
        Type::INT4 => i32::try_from(number).is_ok(),
        _ => true,
    }
}

/// Texts, and all that PostgreSQL reads from one: enumerations, addresses, intervals, arrays.
fn as_text<'a>(wanted: &Type, value: &'a Value) -> Option<Parameter<'a>> {
    let is_other = !matches!(
        *wanted,
        Type::BOOL
            | Type::INT2
            | Type::INT4
            | Type::INT8
            | Type::OID
            | Type::FLOAT4
            | Type::FLOAT8
            | Type::NUMERIC
            | Type::UUID
            | Type::JSON
            | Type::JSONB
            | Type::DATE
            | Type::TIME
            | Type::TIMESTAMP
            | Type::TIMESTAMPTZ
    );
    let is_text = matches!(*wanted, Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN);
    match value {
        Value::Text(text) if is_other => no_nul(text),
        Value::Time(text) if *wanted == Type::TIMETZ => no_nul(text),
        Value::Uuid(text)
        | Value::Json(text)
        | Value::Decimal(text)
        | Value::Date(text)
        | Value::Time(text)
        | Value::Timestamp(text)
            if is_text =>
        {
            no_nul(text)
        }
        _ => None,
    }
}

/// PostgreSQL's texts hold none.
fn no_nul(text: &str) -> Option<Parameter<'_>> {
    (!text.contains('\0')).then_some(Parameter::Text(text))
}

fn is_uuid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| {
            if dashes.contains(&place) { byte == b'-' } else { byte.is_ascii_hexdigit() }
        })
}

pub(crate) fn is_decimal(text: &str) -> bool {
    if matches!(text, "NaN" | "Infinity" | "-Infinity") {
        return true;
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (number, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    !(whole.is_empty() && fraction.is_empty())
        && all_digits(whole)
        && all_digits(fraction)
        && !exponent.is_empty()
        && all_digits(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(wanted: &Type, value: Value) -> Option<String> {
        parameter(wanted, &value).map(|parameter| match parameter {
            Parameter::Null => "null".to_owned(),
            Parameter::Text(text) => text.to_owned(),
            Parameter::Made(text) => text,
            Parameter::Bytes(bytes) => format!("{bytes:?}"),
        })
    }

    #[test]
    fn integers_have_to_be_in_range() {
        for (wanted, max) in [(Type::INT2, 32_767), (Type::INT4, 2_147_483_647), (Type::INT8, i64::MAX)] {
            assert_eq!(text(&wanted, Value::Integer(max)), Some(max.to_string()));
            if max < i64::MAX {
                assert_eq!(text(&wanted, Value::Integer(max + 1)), None);
                assert_eq!(text(&wanted, Value::Decimal((max + 1).to_string())), None);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_none() {
        for (wanted, value) in [
            (Type::BOOL, Value::Integer(1)),
            (Type::TEXT, Value::Integer(1)),
            (Type::TEXT, Value::Text("a\0".to_owned())),
            (Type::BYTEA, Value::Text("a".to_owned())),
            (Type::TEXT, Value::Bytes(vec![1])),
            (Type::NUMERIC, Value::Decimal("1; DROP TABLE a".to_owned())),
            (Type::NUMERIC, Value::Decimal(".".to_owned())),
            (Type::UUID, Value::Text("x".to_owned())),
            (Type::JSONB, Value::Text("{".to_owned())),
            (Type::DATE, Value::Text("2026-02-30".to_owned())),
            (Type::INT4, Value::Text("1".to_owned())),
        ] {
            assert_eq!(text(&wanted, value.clone()), None, "{value:?}");
        }
    }

    #[test]
    fn texts_are_read_by_the_type() {
        let at = Value::Timestamp("2026-11-30T10:00:00+02:00".to_owned());
        assert_eq!(text(&Type::TIMESTAMPTZ, at).unwrap(), "2026-11-30T08:00:00Z");
        assert_eq!(text(&Type::INET, Value::Text("::1".to_owned())).unwrap(), "::1");
        assert_eq!(text(&Type::NUMERIC, Value::Decimal("-1.5e3".to_owned())).unwrap(), "-1.5e3");
        assert_eq!(text(&Type::INT4, Value::Null).unwrap(), "null");
    }
}
