//! JSON numbers, and decimals in strings, as XSD part 2 writes them.

use std::borrow::Cow;

use busbar_model::bounds::DECIMAL_EXPANDED_DIGITS_MAX;

use crate::shape::Width;

/// Why it has no image; a fragment.
pub(super) type Reason = &'static str;

const TOO_LARGE: Reason = "has an exponent too large to write out";

/// `xs:integer` and what derives from it: no point, no exponent. JSON counts `1.0` and `1e3` among integers.
pub(super) fn integer(text: &str, width: Width) -> Result<Cow<'_, str>, Reason> {
    let plain = whole(text)?;
    let (least, greatest) = width.range();
    // So many digits are quicker to parse than more.
    if plain.len() < 19 && plain.parse::<i64>().is_ok_and(|value| (least..=greatest).contains(&value.into()))
    {
        return Ok(plain);
    }
    match plain.parse::<i128>() {
        Ok(value) if (least..=greatest).contains(&value) => Ok(plain),
        _ => Err("is out of the range of its type"),
    }
}

/// The same of any length.
#[inline]
pub(super) fn whole(text: &str) -> Result<Cow<'_, str>, Reason> {
    let plain = if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        Cow::Borrowed(if text == "-0" { "0" } else { text })
    } else {
        let decimal = decimal(text)?;
        match decimal.split_once('.') {
            None => decimal,
            Some((whole, fraction)) if fraction.bytes().all(|byte| byte == b'0') => {
                Cow::Owned(if whole == "-0" { "0".to_owned() } else { whole.to_owned() })
            }
            Some(_) => return Err("is not an integer"),
        }
    };
    Ok(plain)
}

/// `xs:double`, whose lexical form has all that JSON's has.
pub(super) fn double(text: &str) -> Result<Cow<'_, str>, Reason> {
    // No number of fewer digits than this is infinite without an exponent.
    let is_surely_finite = text.len() < 300 && !text.contains(['e', 'E']);
    if is_surely_finite || text.parse::<f64>().is_ok_and(f64::is_finite) {
        return Ok(Cow::Borrowed(text));
    }
    Err("is out of the range of a double")
}

/// `xs:decimal`, which has no exponent: one is written out.
pub(super) fn decimal(text: &str) -> Result<Cow<'_, str>, Reason> {
    const NO_DECIMAL: Reason = "is not a decimal number";
    if is_plain_decimal(text.as_bytes()) {
        return Ok(Cow::Borrowed(text));
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        None => (text, None),
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
    };
    let (sign, unsigned) = match mantissa.as_bytes().first() {
        Some(b'-' | b'+') => mantissa.split_at(1),
        _ => ("", mantissa),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err(NO_DECIMAL);
    }
    let Some(exponent) = exponent else { return Ok(Cow::Borrowed(text)) };
    let unsigned_exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    if unsigned_exponent.is_empty() || !digits(unsigned_exponent) {
        return Err(NO_DECIMAL);
    }
    let exponent: i32 = exponent.parse().map_err(|_| TOO_LARGE)?;
    expand(sign, whole, fraction, exponent).map(Cow::Owned)
}

/// The usual form, told quickly: digits, or digits around a point.
fn is_plain_decimal(text: &[u8]) -> bool {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let mut points = 0;
    let is_known = unsigned.iter().all(|byte| {
        points += usize::from(*byte == b'.');
        byte.is_ascii_digit() || *byte == b'.'
    });
    let ends = unsigned.first().zip(unsigned.last());
    is_known
        && points <= 1
        && ends.is_some_and(|(first, last)| first.is_ascii_digit() && last.is_ascii_digit())
}

fn expand(sign: &str, whole: &str, fraction: &str, exponent: i32) -> Result<String, Reason> {
    let digits = [whole, fraction].concat();
    let point = i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(exponent.into());
    let zeros_before = usize::try_from(point.saturating_neg()).unwrap_or(0);
    let zeros_behind = usize::try_from(point).unwrap_or(0).saturating_sub(digits.len());
    if zeros_before.saturating_add(zeros_behind) > DECIMAL_EXPANDED_DIGITS_MAX {
        return Err(TOO_LARGE);
    }
    let digits = ["0".repeat(zeros_before), digits, "0".repeat(zeros_behind)].concat();
    let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0).min(digits.len()));
    let trimmed = whole.trim_start_matches('0');
    let whole = if trimmed.is_empty() { "0" } else { trimmed };
    let point = if fraction.is_empty() { "" } else { "." };
    Ok([sign, whole, point, fraction].concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{TOO_LARGE, decimal, double, integer};
    use crate::shape::Width;

    #[test]
    fn integers_lose_point_and_exponent() {
        for (json, xml) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("7", "7"),
            ("1.0", "1"),
            ("1e3", "1000"),
            ("-1.50E1", "-15"),
            ("100e-2", "1"),
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("0e99", "0"),
        ] {
            assert_eq!(integer(json, Width::I64).as_deref(), Ok(xml), "{json}");
        }
        for json in ["1.5", "1e-1", "9223372036854775808", "1e19", "1e999999999999"] {
            integer(json, Width::I64).unwrap_err();
        }
    }

    #[test]
    fn every_width_has_its_range() {
        for (width, good, bad) in [
            (Width::I8, "-128", "128"),
            (Width::U8, "255", "-1"),
            (Width::I16, "32767", "-32769"),
            (Width::U16, "65535", "65536"),
            (Width::I32, "-2147483648", "2147483648"),
            (Width::U32, "4294967295", "4294967296"),
            (Width::U64, "18446744073709551615", "18446744073709551616"),
        ] {
            assert_eq!(integer(good, width).as_deref(), Ok(good));
            integer(bad, width).unwrap_err();
        }
    }

    #[test]
    fn doubles_stay_as_they_are_within_their_range() {
        for good in ["0", "-0.0", "1e5", "1E+5", "1.7976931348623157e308", "5e-324", "0.1"] {
            assert_eq!(double(good).as_deref(), Ok(good));
        }
        double("1e309").unwrap_err();
        double(&"9".repeat(400)).unwrap_err();
    }

    #[test]
    fn decimals_keep_their_digits() {
        let thirty = "123456789012345678901234567890.123456789012345678901234567890";
        for (json, xml) in [
            (thirty, thirty),
            ("1.50", "1.50"),
            ("+1.", "+1."),
            (".5", ".5"),
            ("1e2", "100"),
            ("1.23e1", "12.3"),
            ("12.3E-4", "0.00123"),
            ("-5e-1", "-0.5"),
            ("0.5e1", "5"),
        ] {
            assert_eq!(decimal(json).as_deref(), Ok(xml), "{json}");
        }
        for bad in
            ["", ".", "-", "1e", "e1", "1e+", "1.2.3", "0x1", " 1", "NaN", "INF", "1e1.0", "1e--1", "1e+-1"]
        {
            decimal(bad).unwrap_err();
        }
        assert_eq!(decimal("1e2147483647"), Err(TOO_LARGE));
        assert_eq!(decimal("1e-99999999999"), Err(TOO_LARGE));
    }

    proptest! {
        #[test]
        fn an_expanded_decimal_is_the_same_number(text in "-?(0|[1-9][0-9]{0,9})(\\.[0-9]{1,9})?[eE][+-]?[0-9]{1,2}") {
            let expanded = decimal(&text).unwrap();
            prop_assert!(!expanded.contains(['e', 'E']));
            prop_assert_eq!(expanded.parse::<f64>().unwrap(), text.parse::<f64>().unwrap());
        }

        #[test]
        fn nothing_panics(text in "[-+.eE0-9]{0,24}|.{0,9}") {
            let _ = (decimal(&text), double(&text), integer(&text, Width::I64));
        }
    }
}
