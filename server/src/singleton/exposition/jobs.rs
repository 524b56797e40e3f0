//! How runs of jobs ended, and how late they were fired.

use std::fmt::Write as _;

use busbar_model::run::Outcome;

use super::{head, line, seconds};
use crate::singleton::scheduler::{BUCKETS_MS, LatenessCounts};

/// The jobs that are not named one by one.
const OTHERS: &str = "_other";

pub(super) fn render(out: &mut String, runs: &[(String, [u64; 3])], lateness: &LatenessCounts) {
    if !runs.is_empty() {
        let help = "Runs of jobs by how they ended, those of the whole cluster on each of its servers.";
        head(out, "busbar_job_runs_total", "counter", help);
    }
    for (job, counts) in runs {
        let job = if job.is_empty() { OTHERS } else { job };
        for (outcome, count) in Outcome::ALL.into_iter().zip(counts) {
            let labels = [("job", job), ("outcome", outcome.as_str())];
            line(out, "busbar_job_runs_total", &labels, *count);
        }
    }
    let name = "busbar_job_lateness_seconds";
    head(out, name, "histogram", "By how much runs were late when they were fired here.");
    let mut below = 0;
    let bounds = BUCKETS_MS.iter().map(|ms| seconds(*ms * 1_000)).chain([String::from("+Inf")]);
    for (bound, count) in bounds.zip(lateness.buckets) {
        below += count;
        line(out, &format!("{name}_bucket"), &[("le", &bound)], below);
    }
    let _ = writeln!(out, "{name}_sum {}", seconds(lateness.sum_ms.saturating_mul(1_000)));
    line(out, &format!("{name}_count"), &[], below);
}
