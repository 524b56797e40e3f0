//! Dates and times of XML Schema (part 2, sections 3.2.7 and 3.2.9) as RFC 3339 has them.
//!
//! Only the form is checked: whether there is such a day, the JSON Schema's `format` tells.

/// `YYYY-MM-DD`; the zone, which JSON has none of, is dropped.
pub(super) fn date(text: &str) -> Result<&str, &'static str> {
    const REASON: &str = "has to be a date like 2024-02-29";
    let (date, zone) = text.split_at_checked(10).ok_or(REASON)?;
    match is(date, b"0000-00-00") && (zone.is_empty() || is_zone(zone)) {
        true => Ok(date),
        false => Err(REASON),
    }
}

const ZONE: &str = "has to have a zone, like 2024-02-29T12:00:00Z or 2024-02-29T12:00:00+01:00";

/// The same, but that the zone may be missing.
pub(super) fn moment(text: &str) -> Result<&str, &'static str> {
    match date_time(text) {
        // The zone is looked at before the hour is.
        Err(ZONE) if text.get(11..13) < Some("24") => Ok(text),
        other => other,
    }
}

/// `YYYY-MM-DDThh:mm:ss` with a fraction of any length, and a zone.
pub(super) fn date_time(text: &str) -> Result<&str, &'static str> {
    const REASON: &str = "has to be a date and time like 2024-02-29T12:00:00Z";
    let (time, rest) = text.split_at_checked(19).ok_or(REASON)?;
    if !is(time, b"0000-00-00T00:00:00") {
        return Err(REASON);
    }
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if zone.len() == fraction.len() {
                return Err(REASON);
            }
            zone
        }
        None => rest,
    };
    if zone.is_empty() {
        return Err(ZONE);
    }
    if !is_zone(zone) {
        return Err(REASON);
    }
    match time.get(11..13) {
        Some(hour) if hour < "24" => Ok(text),
        Some("24") => Err("has to have an hour below 24: midnight is 00:00:00 of the next day"),
        _ => Err(REASON),
    }
}

/// `0` in the form stands for any digit.
fn is(text: &str, form: &[u8]) -> bool {
    let fits = |(byte, form): (u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        form => byte == *form,
    };
    text.len() == form.len() && text.bytes().zip(form).all(fits)
}

/// Up to 14 hours from UTC (XML Schema, part 2, section 3.2.7.3).
fn is_zone(zone: &str) -> bool {
    let offset = zone.strip_prefix(['+', '-']);
    zone == "Z"
        || offset.is_some_and(|o| is(o, b"00:00") && (o < "14:00" && o.get(3..) < Some("60") || o == "14:00"))
}

#[cfg(test)]
mod tests {
    use super::{date, date_time, moment};

    #[test]
    fn dates_lose_their_zone() {
        for text in ["2024-02-29", "2024-02-29Z", "2024-02-29+14:00", "2024-02-29-13:59"] {
            assert_eq!(date(text), Ok("2024-02-29"));
        }
        let bad = [
            "",
            "2024-2-29",
            "12024-02-29",
            "-2024-02-29",
            "2024-02-29+14:01",
            "2024-02-29+1:00",
            "2024-02-29z",
        ];
        for text in
            bad.into_iter().chain(["2024-02-29+13:60", "2024-02-2é", "2024-02-29T12:00:00Z", "é024-02-29"])
        {
            assert!(date(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_have_a_zone() {
        for text in ["2024-02-29T23:59:59Z", "2024-02-29T00:00:00.123456789012Z", "2024-02-29T12:00:00-05:30"]
        {
            assert_eq!(date_time(text), Ok(text));
        }
        for text in ["2024-02-29T12:00:00", "2024-02-29T12:00:00.5"] {
            assert!(date_time(text).unwrap_err().contains("zone"), "{text}");
        }
        assert_eq!(moment("2024-02-29T12:00:00.5"), Ok("2024-02-29T12:00:00.5"));
        assert_eq!(moment("2024-02-29T12:00:00Z"), Ok("2024-02-29T12:00:00Z"));
        for bad in ["2024-02-29T24:00:00", "2024-02-29", "2024-02-29T12:00:00x", ""] {
            assert!(moment(bad).is_err(), "{bad}");
        }
        assert!(date_time("2024-02-29T24:00:00Z").unwrap_err().contains("next day"));
        let bad =
            ["", "2024-02-29", "2024-02-29 12:00:00Z", "2024-02-29T12:00Z", "2024-02-29T12:00:00.Z", "é"];
        for text in
            bad.into_iter().chain(["02024-02-29T12:00:00Z", "2024-02-29T12:00:00UTC", "2024-02-29T25:00:00Z"])
        {
            assert!(date_time(text).is_err(), "{text}");
        }
    }
}
