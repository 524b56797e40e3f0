//! What a simple type demands of its values beside their form (XML Schema, part 2, section 4.3).

use std::cmp::Ordering;

use super::builtin::{HEX, TIME};

/// Patterns and numbers of digits are not among them: XSD's patterns are of another kind than JSON Schema's, and the
/// partner checks them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::client) struct Facets {
    /// In characters.
    pub(in crate::client) length_min: Option<u64>,
    pub(in crate::client) length_max: Option<u64>,
    /// Numbers as they are written.
    pub(in crate::client) least: Option<Bound>,
    pub(in crate::client) greatest: Option<Bound>,
    /// Of types whose form the shape does not know.
    pub(in crate::client) pattern: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::client) struct Bound {
    pub(in crate::client) value: String,
    pub(in crate::client) is_exclusive: bool,
}

impl Facets {
    pub(super) fn at_least(value: &str) -> Self {
        let bound = Bound { value: value.to_owned(), is_exclusive: false };
        Self { least: Some(bound), ..Self::default() }
    }

    pub(super) fn at_most(value: &str) -> Self {
        let bound = Bound { value: value.to_owned(), is_exclusive: false };
        Self { greatest: Some(bound), ..Self::default() }
    }

    pub(super) fn of_pattern(pattern: &'static str) -> Self {
        Self { pattern: Some(pattern), ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Why a text, or a number as it is written, is not allowed.
    pub(in crate::client) fn check(&self, text: &str, is_number: bool) -> Result<(), String> {
        if is_number {
            return self.check_number(text);
        }
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        if let Some(least) = self.length_min.filter(|least| length < *least) {
            return Err(format!("has {length} characters, and {least} are the least"));
        }
        if let Some(most) = self.length_max.filter(|most| length > *most) {
            return Err(format!("has {length} characters, and {most} are the most"));
        }
        match self.pattern {
            Some(HEX)
                if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
            {
                Err("is not hexadecimal, two digits a byte".to_owned())
            }
            Some(TIME) if !is_time(text) => Err("is not a time like 12:30:00".to_owned()),
            _ => Ok(()),
        }
    }

    fn check_number(&self, text: &str) -> Result<(), String> {
        let compare = |bound: &Bound| compare(text, &bound.value);
        if let Some(least) = &self.least {
            match compare(least) {
                Some(Ordering::Less) => return Err(format!("is less than the minimum of {}", least.value)),
                Some(Ordering::Equal) if least.is_exclusive => {
                    return Err(format!("is not greater than {}", least.value));
                }
                _ => {}
            }
        }
        if let Some(greatest) = &self.greatest {
            match compare(greatest) {
                Some(Ordering::Greater) => {
                    return Err(format!("is greater than the maximum of {}", greatest.value));
                }
                Some(Ordering::Equal) if greatest.is_exclusive => {
                    return Err(format!("is not less than {}", greatest.value));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// By value; integers exactly, all else as doubles.
fn compare(one: &str, other: &str) -> Option<Ordering> {
    if let (Ok(one), Ok(other)) = (one.parse::<i128>(), other.parse::<i128>()) {
        return Some(one.cmp(&other));
    }
    one.parse::<f64>().ok()?.partial_cmp(&other.parse::<f64>().ok()?)
}

/// `hh:mm:ss` with a fraction and a zone, maybe.
fn is_time(text: &str) -> bool {
    let Some((time, rest)) = text.split_at_checked(8) else { return false };
    let two = |at: usize, most: u8| {
        let digits = time.get(at..at + 2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        digits.and_then(|digits| digits.parse::<u8>().ok()).is_some_and(|value| value <= most)
    };
    let colons = time.get(2..3) == Some(":") && time.get(5..6) == Some(":");
    let zone = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if zone.len() == fraction.len() {
                return false;
            }
            zone
        }
    };
    let is_zone = match zone.as_bytes() {
        [] | b"Z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => [h1, h2, m1, m2].iter().all(|digit| digit.is_ascii_digit()),
        _ => false,
    };
    colons && two(0, 23) && two(3, 59) && two(6, 59) && is_zone
}

#[cfg(test)]
mod tests {
    use super::{Bound, Facets, is_time};

    #[test]
    fn numbers_are_compared_by_value() {
        let between = |least: &str, greatest: &str, is_exclusive| Facets {
            least: Some(Bound { value: least.to_owned(), is_exclusive }),
            greatest: Some(Bound { value: greatest.to_owned(), is_exclusive }),
            ..Facets::default()
        };
        let closed = between("1", "18446744073709551616", false);
        for good in ["1", "1.0", "1e3", "18446744073709551616"] {
            assert_eq!(closed.check(good, true), Ok(()), "{good}");
        }
        for bad in ["0", "0.999", "-1", "18446744073709551617"] {
            assert!(closed.check(bad, true).is_err(), "{bad}");
        }
        let open = between("0", "1", true);
        assert!(
            open.check("0.5", true).is_ok()
                && open.check("0", true).is_err()
                && open.check("1", true).is_err()
        );
    }

    #[test]
    fn times_have_two_digits_each() {
        for good in ["00:00:00", "23:59:59.123", "12:00:00Z", "12:00:00.5+01:00"] {
            assert!(is_time(good), "{good}");
        }
        for bad in [
            "",
            "24:00:00",
            "12:00",
            "1:00:00",
            "12:00:00.",
            "12:00:00+1",
            "12:60:00",
            "é2:00:00",
            "+1:00:00",
        ] {
            assert!(!is_time(bad), "{bad}");
        }
    }
}
