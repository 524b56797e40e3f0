//! Days, in UTC, and how many orders were taken on each.

use busbar_sdk::time;

const DAY_MS: u64 = 86_400_000;

/// Days since 1970-01-01.
#[derive(Clone, Copy)]
pub(crate) struct Day(u64);

impl Day {
    pub(crate) fn ago(days: u32) -> Self {
        Self((time::unix_ms() / DAY_MS).saturating_sub(days.into()))
    }

    /// Where the number of its orders is kept.
    pub(crate) fn key(self) -> String {
        format!("taken/{}", self.date())
    }

    /// `2026-11-28`, reckoned by eras of 400 years that begin in March.
    pub(crate) fn date(self) -> String {
        let days = self.0 + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        format!("{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::Day;

    #[test]
    fn a_day_has_its_date() {
        for (days, date) in
            [(0, "1970-01-01"), (11_016, "2000-02-29"), (20_785, "2026-11-28"), (20_819, "2027-01-01")]
        {
            assert_eq!(Day(days).date(), date);
        }
    }
}
