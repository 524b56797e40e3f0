//! Dates and times: what RFC 3339 and XSD part 2 have in common.

use std::borrow::Cow;

/// `full-date`, which is an `xs:date` without zone. XSD 1.0 has no year 0.
pub(super) fn is_date(text: &str) -> bool {
    let Some([y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2]) = text.as_bytes().first_chunk() else {
        return false;
    };
    let (Some(century), Some(years), Some(month), Some(day)) =
        (two([*y1, *y2]), two([*y3, *y4]), two([*m1, *m2]), two([*d1, *d2]))
    else {
        return false;
    };
    let year = u16::from(century) * 100 + u16::from(years);
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    text.len() == 10 && year != 0 && (1..=days).contains(&day)
}

/// `date-time` as an `xs:dateTime`: with the letters in upper case, which XSD wants. It has no leap seconds, and zones up
/// to 14 hours.
pub(super) fn date_time(text: &str) -> Option<Cow<'_, str>> {
    let (date, rest) = text.split_at_checked(10)?;
    let [separator @ (b'T' | b't'), h1, h2, b':', m1, m2, b':', s1, s2, behind @ ..] = rest.as_bytes() else {
        return None;
    };
    let (hour, minute, second) = (two([*h1, *h2])?, two([*m1, *m2])?, two([*s1, *s2])?);
    let zone = match behind {
        [b'.', fraction @ ..] => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return None;
            }
            fraction.get(digits..)?
        }
        _ => behind,
    };
    if !is_date(date) || hour > 23 || minute > 59 || second > 59 || !is_zone(zone) {
        return None;
    }
    if *separator == b't' || zone == b"z" {
        return Some(Cow::Owned(text.to_ascii_uppercase()));
    }
    Some(Cow::Borrowed(text))
}

/// The same, but that the zone may be missing.
pub(super) fn local(text: &str) -> Option<Cow<'_, str>> {
    date_time(text).or_else(|| {
        let zoned = [text, "Z"].concat();
        let kept = date_time(&zoned)?;
        Some(Cow::Owned(kept.strip_suffix('Z')?.to_owned()))
    })
}

fn is_zone(zone: &[u8]) -> bool {
    match zone {
        b"Z" | b"z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => match (two([*h1, *h2]), two([*m1, *m2])) {
            (Some(14), Some(0)) => true,
            (Some(hours), Some(minutes)) => hours < 14 && minutes < 60,
            _ => false,
        },
        _ => false,
    }
}

fn two(digits: [u8; 2]) -> Option<u8> {
    let [tens, ones] = digits;
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| (tens - b'0') * 10 + (ones - b'0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{date_time, is_date, local};

    #[test]
    fn dates_are_days_of_the_calendar() {
        for good in ["2024-02-29", "0001-01-01", "9999-12-31", "2000-02-29"] {
            assert!(is_date(good), "{good}");
        }
        for bad in [
            "2023-02-29",
            "1900-02-29",
            "0000-01-01",
            "2024-13-01",
            "2024-00-01",
            "2024-01-00",
            "2024-04-31",
            "2024-1-1",
            "2024-01-01Z",
            "24-01-01",
            "",
            "2024/01/01",
            "+024-01-01",
        ] {
            assert!(!is_date(bad), "{bad}");
        }
    }

    #[test]
    fn times_have_a_zone_and_no_leap_second() {
        for (json, xml) in [
            ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
            ("2024-02-29t23:59:59.123456789z", "2024-02-29T23:59:59.123456789Z"),
            ("2024-02-29T00:00:00+14:00", "2024-02-29T00:00:00+14:00"),
            ("2024-02-29T00:00:00-00:00", "2024-02-29T00:00:00-00:00"),
            ("2024-02-29t00:00:00-05:30", "2024-02-29T00:00:00-05:30"),
        ] {
            assert_eq!(date_time(json).as_deref(), Some(xml), "{json}");
        }
        for bad in [
            "2024-02-29",
            "2024-02-29T23:59:59",
            "2024-02-29 23:59:59Z",
            "2016-12-31T23:59:60Z",
            "2024-02-29T24:00:00Z",
            "2024-02-29T23:60:00Z",
            "2024-02-29T23:59:59.Z",
            "2024-02-29T23:59:59+14:01",
            "2024-02-29T23:59:59+0100",
            "2024-02-29T23:59Z",
            "2024-02-30T00:00:00Z",
            "2024-02-29T23:59:59Zé",
        ] {
            assert_eq!(date_time(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_zone_may_be_missing_where_others_leave_it_out() {
        assert_eq!(local("2024-02-29t12:00:00.5").as_deref(), Some("2024-02-29T12:00:00.5"));
        assert_eq!(local("2024-02-29T12:00:00+01:00").as_deref(), Some("2024-02-29T12:00:00+01:00"));
        for bad in ["2024-02-29T12:00:00Z+01:00", "2024-02-29", "2024-02-30T12:00:00", ""] {
            assert_eq!(local(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[0-9TtZz:+.-]{0,30}|.{0,12}") {
            let _ = (is_date(&text), date_time(&text));
        }
    }
}
