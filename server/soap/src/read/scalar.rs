//! Text that is one JSON value.

use std::borrow::Cow;

use super::{
    Reading, binary,
    failure::{Step, invalid},
    number, time,
};
use crate::{
    json,
    shape::{Foreign, Scalar, ScalarKind},
    xml::{Event, Reader},
};

impl Reading<'_, '_, '_> {
    /// The content of the element that was just started, read to its end.
    pub(super) fn scalar(&mut self, scalar: &Scalar) -> Step {
        match scalar.kind {
            ScalarKind::Text if scalar.values.is_empty() => self.plain_text(),
            ScalarKind::Binary => {
                self.out.push('"');
                let from = self.out.len();
                self.binary()?;
                if !scalar.values.is_empty() && !scalar.values.iter().any(|value| *value == self.out[from..])
                {
                    return Err(invalid(none_of(scalar)));
                }
                self.out.push('"');
                Ok(())
            }
            ScalarKind::Foreign(Foreign::Markup) => self.markup(),
            ScalarKind::Foreign(Foreign::Name) => {
                let text =
                    self.xml.content()?.ok_or_else(|| invalid("is text, so it can't have elements"))?;
                push_name(&mut self.out, self.xml, &text).map_err(invalid)
            }
            _ => {
                let text =
                    self.xml.content()?.ok_or_else(|| invalid("is text, so it can't have elements"))?;
                push(&mut self.out, scalar, &text).map_err(invalid)
            }
        }
    }

    /// Text of any length, written piece by piece.
    fn plain_text(&mut self) -> Step {
        self.out.push('"');
        loop {
            match self.xml.next()? {
                Event::Text(text) => json::push_escaped(&mut self.out, &text),
                Event::Start => return Err(invalid("is text, so it can't have elements")),
                Event::End | Event::Eof => break,
            }
        }
        self.out.push('"');
        Ok(())
    }
}

/// Appends a name, by the prefixes that are in force where it stands.
pub(super) fn push_name(out: &mut String, xml: &Reader<'_>, text: &str) -> Result<(), &'static str> {
    let found = xml.resolve(text.trim_ascii());
    let (namespace, local) = found.ok_or("has to be a name whose prefix is declared")?;
    match namespace {
        "" => json::push_string(out, local),
        namespace => json::push_string(out, &format!("{{{namespace}}}{local}")),
    }
    Ok(())
}

/// Appends the JSON of a whole text, or tells why it has none.
pub(super) fn push(out: &mut String, scalar: &Scalar, text: &str) -> Result<(), Cow<'static, str>> {
    // XML Schema, part 2, section 4.3.6: all but strings are collapsed.
    let collapsed = text.trim_ascii();
    if !scalar.values.is_empty() {
        return push_value(out, scalar, if scalar.kind == ScalarKind::Text { text } else { collapsed });
    }
    match scalar.kind {
        ScalarKind::Text => json::push_string(out, text),
        ScalarKind::Boolean => out.push_str(boolean(collapsed)?),
        ScalarKind::Integer(width) => number::push_integer(out, collapsed, width)?,
        ScalarKind::Double => number::push_double(out, collapsed)?,
        ScalarKind::DecimalNumber => number::push_decimal_number(out, collapsed)?,
        ScalarKind::Decimal => push_quoted(out, number::decimal(collapsed)?),
        ScalarKind::Date => push_quoted(out, time::date(collapsed)?),
        ScalarKind::DateTime => push_quoted(out, time::date_time(collapsed)?),
        ScalarKind::Binary => {
            out.push('"');
            binary::push_base64(out, text)?;
            out.push('"');
        }
        ScalarKind::Foreign(Foreign::Token) => json::push_string(out, collapsed),
        ScalarKind::Foreign(Foreign::Whole) => number::push_whole(out, collapsed)?,
        ScalarKind::Foreign(Foreign::Moment) => push_quoted(out, time::moment(collapsed)?),
        ScalarKind::Foreign(Foreign::Markup | Foreign::Name) => return Err("can't be an attribute".into()),
    }
    Ok(())
}

/// One of the values that are allowed, as the schema has it: JSON Schema compares texts, where XML Schema compares
/// what they mean.
fn push_value(out: &mut String, scalar: &Scalar, text: &str) -> Result<(), Cow<'static, str>> {
    let (plain, is_quoted) = match scalar.kind {
        ScalarKind::Text | ScalarKind::Foreign(Foreign::Token | Foreign::Markup | Foreign::Name) => {
            (text, true)
        }
        ScalarKind::Foreign(Foreign::Moment) => (time::moment(text)?, true),
        ScalarKind::Foreign(Foreign::Whole) => {
            let mut number = String::new();
            number::push_whole(&mut number, text)?;
            return push_known(out, scalar, false, |value| *value == number);
        }
        ScalarKind::Binary => {
            let mut base64 = String::new();
            binary::push_base64(&mut base64, text)?;
            return push_known(out, scalar, true, |value| *value == base64);
        }
        ScalarKind::Boolean => (boolean(text)?, false),
        ScalarKind::Date => (time::date(text)?, true),
        ScalarKind::DateTime => (time::date_time(text)?, true),
        ScalarKind::Decimal => {
            let decimal = number::decimal(text)?;
            return push_known(out, scalar, true, |value| number::are_equal(value, decimal));
        }
        ScalarKind::Integer(width) => {
            let mut number = String::new();
            number::push_integer(&mut number, text, width)?;
            return push_known(out, scalar, false, |value| *value == number);
        }
        ScalarKind::Double | ScalarKind::DecimalNumber => {
            let mut number = String::new();
            match scalar.kind {
                ScalarKind::Double => number::push_double(&mut number, text)?,
                _ => number::push_decimal_number(&mut number, text)?,
            }
            return push_known(out, scalar, false, |value| number::are_equal(value, &number));
        }
    };
    push_known(out, scalar, is_quoted, |value| value == plain)
}

fn push_known(
    out: &mut String,
    scalar: &Scalar,
    is_quoted: bool,
    is: impl Fn(&String) -> bool,
) -> Result<(), Cow<'static, str>> {
    match scalar.values.iter().find(|value| is(value)) {
        Some(value) if is_quoted => json::push_string(out, value),
        Some(value) => out.push_str(value),
        None => return Err(none_of(scalar).into()),
    }
    Ok(())
}

fn none_of(scalar: &Scalar) -> String {
    format!("has to be one of {}", scalar.values.join(", "))
}

fn boolean(text: &str) -> Result<&'static str, &'static str> {
    match text {
        "true" | "1" => Ok("true"),
        "false" | "0" => Ok("false"),
        _ => Err("has to be true or false"),
    }
}

/// Text that needs no escapes.
fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    out.push_str(text);
    out.push('"');
}
