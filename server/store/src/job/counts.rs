//! How runs ended, by job.

use diesel::prelude::*;

use crate::{error::Error, odb::Odb, schema::job};

impl Odb {
    /// How the runs of each job ended, of so many jobs by their names; the others' are one sum, the last and
    /// without a name.
    pub fn run_counts(&self, most: i64) -> Result<Vec<(String, [u64; 3])>, Error> {
        let ran = || job::successes.gt(0).or(job::failures.gt(0)).or(job::skips.gt(0));
        let columns = (job::name, job::successes, job::failures, job::skips);
        let rows = job::table
            .filter(ran())
            .order(job::name.asc())
            .select(columns)
            .load::<(String, i64, i64, i64)>(&mut *self.connection()?)?;
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        let mut counts: Vec<_> = rows
            .into_iter()
            .map(|(name, success, failure, skipped)| (name, [success, failure, skipped].map(count)))
            .collect();
        let kept = usize::try_from(most).unwrap_or(usize::MAX).min(counts.len());
        let others = counts.split_off(kept);
        if !others.is_empty() {
            let sum = others.iter().fold([0; 3], |sum: [u64; 3], (_, one)| {
                std::array::from_fn(|at| sum[at].saturating_add(one[at]))
            });
            counts.push((String::new(), sum));
        }
        Ok(counts)
    }
}
