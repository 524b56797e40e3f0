//! Numbers of XML Schema (part 2) as JSON has them (RFC 8259, section 6): every digit is kept.

use crate::shape::Width;

/// `xs:integer` and what is derived of it: an optional sign and digits.
pub(super) fn push_integer(out: &mut String, text: &str, width: Width) -> Result<(), String> {
    let range = || {
        let (least, greatest) = width.range();
        format!("has to be an integer from {least} to {greatest}")
    };
    let (negative, digits) = signed(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(range());
    }
    let digits = without_zeros(digits);
    let size: i128 = digits.parse::<u64>().map_err(|_| range())?.into();
    let (least, greatest) = width.range();
    let value = if negative { -size } else { size };
    if value < least || value > greatest {
        return Err(range());
    }
    if value < 0 {
        out.push('-');
    }
    out.push_str(digits);
    Ok(())
}

/// `xs:integer` of any length.
pub(super) fn push_whole(out: &mut String, text: &str) -> Result<(), &'static str> {
    let (negative, digits) = signed(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("has to be an integer");
    }
    let digits = without_zeros(digits);
    if negative && digits != "0" {
        out.push('-');
    }
    out.push_str(digits);
    // JSON's readers make a double of what fits no integer.
    finite(digits, false)
}

/// `xs:double` but for its infinities and NaN.
pub(super) fn push_double(out: &mut String, text: &str) -> Result<(), &'static str> {
    let (mantissa, exponent) = match text.bytes().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let number = match Decimal::parse(mantissa) {
        Some(number) => number,
        None if matches!(text, "INF" | "-INF" | "NaN") => return Err("has to be a number that JSON has too"),
        None => return Err("has to be a number"),
    };
    let from = out.len();
    number.push(out);
    if let Some(exponent) = exponent {
        let (_, digits) = signed(exponent);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("has to be a number");
        }
        out.push('e');
        out.push_str(exponent);
    }
    finite(&out[from..], exponent.is_some())
}

/// `xs:decimal` as a JSON number.
pub(super) fn push_decimal_number(out: &mut String, text: &str) -> Result<(), &'static str> {
    let number = Decimal::parse(text).ok_or("has to be a decimal number")?;
    let from = out.len();
    number.push(out);
    finite(&out[from..], false)
}

/// `xs:decimal` as text: as it is, but for a plus sign.
pub(super) fn decimal(text: &str) -> Result<&str, &'static str> {
    match Decimal::parse(text) {
        Some(_) => Ok(text.strip_prefix('+').unwrap_or(text)),
        None => Err("has to be a decimal number"),
    }
}

/// Whether two decimals, or numbers of JSON, are the same value.
pub(super) fn are_equal(one: &str, other: &str) -> bool {
    match (Decimal::parse(one), Decimal::parse(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one.parse::<f64>().is_ok_and(|one| other.parse() == Ok(one)),
    }
}

/// A number that is larger than any double can't be read as JSON.
fn finite(number: &str, exponent: bool) -> Result<(), &'static str> {
    const SAFE_DIGITS: usize = 300;
    match (exponent || number.len() > SAFE_DIGITS) && serde_json::from_str::<f64>(number).is_err() {
        true => Err("has to be a number that a double can hold"),
        false => Ok(()),
    }
}

/// Whether there is a minus sign, and what stands behind the sign.
fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// At least one digit stays.
fn without_zeros(digits: &str) -> &str {
    match digits.trim_start_matches('0') {
        "" => "0",
        rest => rest,
    }
}

struct Decimal<'t> {
    negative: bool,
    integer: &'t str,
    fraction: &'t str,
}

impl<'t> Decimal<'t> {
    /// Digits with a point anywhere among them, or none.
    fn parse(text: &'t str) -> Option<Self> {
        let (negative, digits) = signed(text);
        let (integer, fraction) = match digits.bytes().position(|byte| byte == b'.') {
            Some(point) => (&digits[..point], &digits[point + 1..]),
            None => (digits, ""),
        };
        let are_digits = integer.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
        (are_digits && integer.len() + fraction.len() > 0).then_some(Self { negative, integer, fraction })
    }

    fn push(&self, out: &mut String) {
        if self.negative {
            out.push('-');
        }
        out.push_str(without_zeros(self.integer));
        if !self.fraction.is_empty() {
            out.push('.');
            out.push_str(self.fraction);
        }
    }

    fn significant(&self) -> (&str, &str) {
        (without_zeros(self.integer), self.fraction.trim_end_matches('0'))
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        let zero = self.significant() == ("0", "");
        self.significant() == other.significant() && (zero || self.negative == other.negative)
    }
}

#[cfg(test)]
mod tests {
    use super::{are_equal, decimal, push_decimal_number, push_double, push_integer};
    use crate::shape::Width;

    #[test]
    fn integers_are_canonical_and_in_their_range() {
        let read = |text: &str, width| {
            let mut out = String::new();
            push_integer(&mut out, text, width).map(|()| out)
        };
        let good = [
            ("0", "0", Width::I8),
            ("-0", "0", Width::U8),
            ("+0012", "12", Width::I8),
            ("-128", "-128", Width::I8),
            ("255", "255", Width::U8),
            ("-9223372036854775808", "-9223372036854775808", Width::I64),
            ("18446744073709551615", "18446744073709551615", Width::U64),
        ];
        for (text, expected, width) in good {
            assert_eq!(read(text, width).as_deref(), Ok(expected));
        }
        let bad = [
            ("128", Width::I8, "-128 to 127"),
            ("-1", Width::U16, "0 to 65535"),
            ("9223372036854775808", Width::I64, "9223372036854775807"),
            ("99999999999999999999999", Width::U64, "18446744073709551615"),
            ("", Width::I32, "integer"),
            ("+", Width::I32, "integer"),
            ("--1", Width::I32, "integer"),
            ("1.0", Width::I32, "integer"),
            ("1 2", Width::I32, "integer"),
            ("0x1", Width::I32, "integer"),
            ("١", Width::I32, "integer"),
        ];
        for (text, width, expected) in bad {
            assert!(read(text, width).unwrap_err().contains(expected), "{text}");
        }
    }

    #[test]
    fn doubles_become_numbers_of_json() {
        let read = |text: &str| {
            let mut out = String::new();
            push_double(&mut out, text).map(|()| out)
        };
        let good = [
            ("1", "1"),
            ("+1", "1"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("5.", "5"),
            ("007.10", "7.10"),
            ("1E5", "1e5"),
            ("1.e+5", "1e+5"),
            ("-0", "-0"),
            ("1e-999", "1e-999"),
            ("1.7976931348623157e308", "1.7976931348623157e308"),
        ];
        for (text, expected) in good {
            assert_eq!(read(text).as_deref(), Ok(expected));
            assert!(serde_json::from_str::<f64>(expected).is_ok());
        }
        for bad in [
            "", "+", ".", "e5", "1e", "1e+", "1e5.", "1e999", "INF", "-INF", "+INF", "NaN", "1,5", "0x1",
            "1 2",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read(&"9".repeat(400)).is_err());
    }

    #[test]
    fn decimals_keep_their_digits() {
        let digits = "123456789012345678901234567890.123456789012345678901234567890";
        assert_eq!(decimal(digits), Ok(digits));
        assert_eq!(decimal("+00.50"), Ok("00.50"));
        let mut out = String::new();
        push_decimal_number(&mut out, digits).unwrap();
        assert_eq!(out, digits);
        for bad in ["", "-", ".", "1e5", "1.2.3", "INF"] {
            assert!(decimal(bad).is_err() && push_decimal_number(&mut String::new(), bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn values_are_compared_as_numbers() {
        for (one, other) in [("1.50", "1.5"), ("0", "-0.0"), ("1000", "1e3"), ("007", "7"), ("1.5", "15e-1")]
        {
            assert!(are_equal(one, other), "{one} {other}");
        }
        for (one, other) in [("1", "-1"), ("1", "10"), ("1.5", "1.51"), ("1", "x")] {
            assert!(!are_equal(one, other), "{one} {other}");
        }
    }
}
