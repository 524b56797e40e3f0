//! How long an interval is: weeks, days, hours, minutes and seconds, as `1d12h`.

use std::{fmt, str::FromStr};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::bounds::{EVERY_CHARS_MAX, EVERY_S_MAX, EVERY_S_MIN};

const UNITS: [(char, u64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Elapsed time: a day is 24 hours, whatever clocks do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Every {
    seconds: u64,
}

impl Every {
    pub fn seconds(self) -> u64 {
        self.seconds
    }

    pub(crate) fn delta(self) -> TimeDelta {
        TimeDelta::seconds(i64::try_from(self.seconds).unwrap_or(i64::MAX))
    }
}

impl FromStr for Every {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let odd = || {
            let shown: String = text.chars().take(EVERY_CHARS_MAX).collect();
            format!(
                "interval {shown:?} is not valid; allowed are whole numbers of w, d, h, m and s, each at most once and in this order, as \"1d12h\""
            )
        };
        if text.len() > EVERY_CHARS_MAX {
            return Err(odd());
        }
        let mut units = UNITS.into_iter();
        let mut seconds = 0_u64;
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(odd)?;
            let (number, unit) = rest.split_at(end);
            let unit = unit.chars().next().ok_or_else(odd)?;
            let (_, factor) = units.find(|(name, _)| *name == unit).ok_or_else(odd)?;
            let number: u64 = number.parse().map_err(|_| odd())?;
            seconds = seconds.saturating_add(number.saturating_mul(factor));
            rest = &rest[end + 1..];
        }
        match seconds {
            EVERY_S_MIN..=EVERY_S_MAX => Ok(Self { seconds }),
            _ if text.is_empty() => Err(odd()),
            _ => Err(format!(
                "interval {text:?} is {seconds} s; allowed is {EVERY_S_MIN} s to {EVERY_S_MAX} s"
            )),
        }
    }
}

impl TryFrom<String> for Every {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Every> for String {
    fn from(every: Every) -> Self {
        every.to_string()
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.seconds;
        for (unit, factor) in UNITS {
            if rest >= factor {
                write!(f, "{}{unit}", rest / factor)?;
                rest %= factor;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Every;

    #[test]
    fn reads_units_in_their_order() {
        for (text, seconds, shown) in [
            ("1d12h", 129_600, "1d12h"),
            ("90s", 90, "1m30s"),
            ("2w", 1_209_600, "2w"),
            ("24h", 86_400, "1d"),
        ] {
            let every: Every = text.parse().unwrap();
            assert_eq!((every.seconds(), every.to_string().as_str()), (seconds, shown));
        }
    }

    #[test]
    fn refuses_everything_else() {
        for odd in ["", "5", "s", "1h1d", "1s1s", "1.5h", "-1s", "1x", "1é", "1 h", &"1".repeat(99)] {
            assert!(odd.parse::<Every>().unwrap_err().contains("allowed are whole numbers"), "{odd}");
        }
        for far in ["0s", "99999999999999999999w", "600w"] {
            assert!(far.parse::<Every>().unwrap_err().contains("allowed"), "{far}");
        }
    }
}
