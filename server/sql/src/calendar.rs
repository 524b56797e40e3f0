//! Days and times of day as texts (ISO 8601), by the proleptic Gregorian calendar.

use std::fmt::Write as _;

const MICROSECONDS_OF_DAY: i64 = 86_400_000_000;

/// Year, month and day of a number of days since 1970.
fn civil(days: i64) -> (i64, u32, u32) {
    // Years begin with March here, so that the leap day is their last.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

/// The number of a day since 1970.
fn days(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let day_of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

pub(crate) fn date(days_since_1970: i64) -> String {
    let (year, month, day) = civil(days_since_1970);
    date_of(year, month, day)
}

/// Years beyond four digits have their sign, as ISO 8601 wants it.
pub(crate) fn date_of(year: i64, month: u32, day: u32) -> String {
    if (0..=9999).contains(&year) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:+07}-{month:02}-{day:02}")
    }
}

pub(crate) fn time(microseconds_of_day: i64) -> String {
    let seconds = microseconds_of_day.div_euclid(1_000_000);
    let fraction = microseconds_of_day.rem_euclid(1_000_000);
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    add_fraction(&mut text, fraction);
    text
}

pub(crate) fn add_fraction(text: &mut String, microseconds: i64) {
    if microseconds != 0 {
        let _ = write!(text, ".{microseconds:06}");
        text.truncate(text.trim_end_matches('0').len());
    }
}

pub(crate) fn timestamp(microseconds_since_1970: i64) -> String {
    let days = microseconds_since_1970.div_euclid(MICROSECONDS_OF_DAY);
    let rest = microseconds_since_1970.rem_euclid(MICROSECONDS_OF_DAY);
    format!("{}T{}", date(days), time(rest))
}

/// A date with a time, and the offset from UTC in seconds if one is said. `T` or a space is between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) microseconds: i64,
    pub(crate) has_zone: bool,
}

/// What `text` says in microseconds since 1970, of UTC if it names a zone.
pub(crate) fn parse_timestamp(text: &str) -> Option<Moment> {
    let (date, rest) = text.split_once(['T', 't', ' ']).unwrap_or((text, "00:00:00"));
    let day = parse_date(date)?;
    let (time, offset) = match rest.find(['Z', 'z', '+', '-']) {
        None => (rest, None),
        Some(at) => (rest.get(..at)?, Some(parse_offset(rest.get(at..)?)?)),
    };
    let microseconds = parse_time(time)?;
    let total = day.checked_mul(MICROSECONDS_OF_DAY)?.checked_add(microseconds)?;
    Some(Moment { microseconds: total - offset.unwrap_or(0) * 1_000_000, has_zone: offset.is_some() })
}

pub(crate) fn parse_date(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let (year, month, day) =
        (number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    if parts.next().is_some() {
        return None;
    }
    let (month, day) = (u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    let found = days(year, month, day);
    // A day that the month does not have comes back as another.
    (civil(found) == (year, month, day)).then_some(found)
}

pub(crate) fn parse_time(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = whole.split(':');
    let (hours, minutes) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let seconds = parts.next().map_or(Some(0), |seconds| number(seconds, 2))?;
    let fits = parts.next().is_none() && hours < 24 && minutes < 60 && seconds < 60;
    let digits = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !fits || !digits {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    Some(((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + fraction)
}

/// In seconds east of UTC.
fn parse_offset(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = text.get(1..)?.split_once(':').unwrap_or((text.get(1..)?, "00"));
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates_and_back() {
        for (day, text) in [
            (0, "1970-01-01"),
            (10_957, "2000-01-01"),
            (-1, "1969-12-31"),
            (19_782, "2024-02-29"),
            (-719_528, "0000-01-01"),
        ] {
            assert_eq!(date(day), text);
            assert_eq!(parse_date(text), Some(day));
        }
        assert_eq!(date(-719_529), "-000001-12-31");
        for bad in
            ["2023-02-29", "2023-13-01", "2023-1-01", "2023-00-10", "x", "2023-01-01-01", "+2023-01-01"]
        {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
    }

    #[test]
    fn moments_know_their_zone() {
        let at = parse_timestamp("2026-11-30T23:59:59.25+02:00").unwrap();
        assert_eq!((timestamp(at.microseconds).as_str(), at.has_zone), ("2026-11-30T21:59:59.25", true));
        let at = parse_timestamp("2026-11-30 23:59:59").unwrap();
        assert_eq!((timestamp(at.microseconds).as_str(), at.has_zone), ("2026-11-30T23:59:59", false));
        for bad in [
            "2026-11-30T24:00:00",
            "2026-11-30T10:00:00+25:00",
            "2026-11-30T10",
            "T",
            "2026-11-30T10:00:00.x",
        ] {
            assert_eq!(parse_timestamp(bad), None, "{bad}");
        }
    }
}
