//! Medians, and how figures are written.

use std::time::Duration;

pub(crate) use busbar_test_cost::median;

pub(crate) fn seconds(values: &[Duration]) -> f64 {
    median(&values.iter().map(Duration::as_secs_f64).collect::<Vec<_>>())
}

/// `1.5 s` or `15 ms`.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds >= 1.0 { format!("{seconds:.2} s") } else { format!("{:.1} ms", seconds * 1e3) }
}
