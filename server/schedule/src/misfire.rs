//! What becomes of runs whose time was missed: nobody led, or the job was paused.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::bounds::CATCH_UP_MAX;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Misfire {
    /// They are not made up for.
    Skip,
    /// One run stands for all of them, unless one is due anyway.
    #[default]
    Once,
    /// The last ones are made up for, so many at most.
    All(u32),
}

impl Misfire {
    /// How many missed runs are made up for. `punctual`: whether one is due that is not late.
    pub(crate) fn makes_up(self, punctual: bool) -> usize {
        match self {
            Self::Skip => 0,
            Self::Once => usize::from(!punctual),
            Self::All(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
        }
    }
}

impl FromStr for Misfire {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let limit = |text: &str| {
            let digits = text.strip_prefix("all(")?.strip_suffix(')')?;
            let fits = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
            digits.parse().ok().filter(|limit| fits && (1..=CATCH_UP_MAX).contains(limit))
        };
        match text {
            "skip" => Ok(Self::Skip),
            "once" => Ok(Self::Once),
            _ => limit(text).map(Self::All).ok_or_else(|| {
                let shown: String = text.chars().take(64).collect();
                format!(
                    "misfire policy {shown:?} is unknown; allowed is skip, once, and all(N) with N from 1 to {CATCH_UP_MAX}"
                )
            }),
        }
    }
}

impl TryFrom<String> for Misfire {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Misfire> for String {
    fn from(misfire: Misfire) -> Self {
        misfire.to_string()
    }
}

impl fmt::Display for Misfire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skip => f.write_str("skip"),
            Self::Once => f.write_str("once"),
            Self::All(limit) => write!(f, "all({limit})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Misfire;

    #[test]
    fn is_read_as_it_is_written() {
        for text in ["skip", "once", "all(1)", "all(100)"] {
            assert_eq!(text.parse::<Misfire>().unwrap().to_string(), text);
        }
        for odd in ["", "all", "all()", "all(0)", "all(101)", "all(+1)", "all(01)", "ALL(1)", "sometimes"] {
            assert!(odd.parse::<Misfire>().unwrap_err().contains("allowed is skip, once"), "{odd}");
        }
    }
}
