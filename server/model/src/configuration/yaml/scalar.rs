//! What a plain scalar means: the core schema of YAML 1.2 (section 10.3), without its traps.

use serde_json::Number;

use crate::configuration::node::Content;

/// Words that some reader of YAML, old or new, takes for something else than a text.
const WORDS: [&str; 12] = ["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "<<"];

/// A scalar that stands without quotes.
pub(super) fn plain(text: &str) -> Result<Content, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Content::Null),
        "true" | "True" | "TRUE" => return Ok(Content::Flag(true)),
        "false" | "False" | "FALSE" => return Ok(Content::Flag(false)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "-.inf" | "-.Inf" | "-.INF" | ".nan" | ".NaN" | ".NAN" => {
            return Err(format!("{text} is not a number that JSON has"));
        }
        _ => {}
    }
    match number(text) {
        None => Ok(Content::Text(text.to_owned())),
        Some(Ok(number)) => Ok(Content::Number(number)),
        Some(Err(message)) => Err(message),
    }
}

/// `None` is no number.
fn number(text: &str) -> Option<Result<Number, String>> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix).filter(|rest| rest.chars().all(|c| c.is_digit(radix)))
        {
            let number = u64::from_str_radix(digits, radix).map(Number::from);
            return Some(number.map_err(|_| format!("{text} is not a number of 64 bits")));
        }
    }
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !unsigned.is_empty() && digits(unsigned) {
        if unsigned.len() > 1 && unsigned.starts_with('0') {
            // Octal to readers of YAML 1.1, decimal to those of 1.2, and mostly meant as a text.
            return None;
        }
        let signed = text.parse::<i64>().map(Number::from);
        let number = text.trim_start_matches('+').parse::<u64>().map(Number::from).or(signed);
        if let Ok(number) = number {
            return Some(Ok(number));
        }
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['-', '+']).unwrap_or(exponent)),
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digits = !exponent.is_empty() && (!whole.is_empty() || !fraction.is_empty());
    if !has_digits || ![whole, fraction, exponent].into_iter().all(digits) {
        return None;
    }
    let number = text.parse::<f64>().ok().and_then(Number::from_f64);
    Some(number.ok_or_else(|| format!("{text} is not a number of 64 bits")))
}

/// Whether a text stays itself without quotes, whoever reads it.
pub(super) fn is_safe_plain(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '_' | '$'));
    let goes_on = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '/' | '_' | '$' | '-' | '.' | '{' | '}' | '+' | '*' | '@' | '=')
    };
    begins && text.chars().all(goes_on) && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_safe_plain, plain};
    use crate::configuration::node::Node;

    fn value(text: &str) -> serde_json::Value {
        Node { line: None, content: plain(text).unwrap() }.to_json()
    }

    #[test]
    fn a_plain_scalar_is_what_the_core_schema_says() {
        for (text, expected) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("true", json!(true)),
            ("False", json!(false)),
            ("no", json!("no")),
            ("NO", json!("NO")),
            ("on", json!("on")),
            ("12", json!(12)),
            ("+12", json!(12)),
            ("-12", json!(-12)),
            ("0", json!(0)),
            ("007", json!("007")),
            ("-08", json!("-08")),
            ("18446744073709551616", json!(18_446_744_073_709_551_616.0)),
            ("0x1f", json!(31)),
            ("0o17", json!(15)),
            ("18446744073709551615", json!(u64::MAX)),
            ("1.5", json!(1.5)),
            ("1e3", json!(1000.0)),
            (".5", json!(0.5)),
            ("1.2.3", json!("1.2.3")),
            ("1_000", json!("1_000")),
            ("12:30", json!("12:30")),
            ("2026-11-21", json!("2026-11-21")),
            ("e3", json!("e3")),
            (".", json!(".")),
            ("-", json!("-")),
        ] {
            assert_eq!(value(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_json_does_not_have_is_refused() {
        for text in [".inf", "-.inf", ".nan", "1e999", "0xfffffffffffffffff"] {
            assert!(plain(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn quotes_are_left_out_only_where_nobody_would_err() {
        for safe in ["orders", "/orders/{id}", "${PASSWORD_A}", "GET", "a.b-c_d"] {
            assert!(is_safe_plain(safe), "{safe:?}");
            assert_eq!(value(safe), json!(safe));
        }
        for not in
            ["", "no", "Yes", "true", "NULL", "~", "1", "1a", "-a", "a b", "a:b", "*", "ä", "a#", "{a}"]
        {
            assert!(!is_safe_plain(not), "{not:?}");
        }
    }
}
