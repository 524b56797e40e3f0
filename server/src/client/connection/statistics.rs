//! What workers' calls by a connection came to.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::client::{
    answer::{Error, views},
    table::Fields,
};

/// What a connection that services call by has beside its definition.
pub(super) const STATISTICS: &str = "statistics";

#[derive(Debug, Deserialize)]
struct Statistics {
    server: String,
    pid: u32,
    calls: u64,
    errors: BTreeMap<String, u64>,
    latency: Latency,
    in_use: u64,
    idle: u64,
    waiting: u64,
    breaker: Option<Breaker>,
}

#[derive(Debug, Deserialize)]
struct Latency {
    p50_us: u64,
    p99_us: u64,
}

#[derive(Debug, Deserialize)]
struct Breaker {
    phase: String,
    until: Option<String>,
}

/// A field with a line for each worker that used the connection, where there is one.
pub(super) fn field(fields: Fields, object: &Value) -> Result<Fields, Error> {
    let Some(items) = object[STATISTICS].as_array() else { return Ok(fields) };
    let lines: Vec<String> = views::<Statistics>(items)?.iter().map(Statistics::line).collect();
    Ok(if lines.is_empty() { fields } else { fields.with(STATISTICS, lines.join("\n")) })
}

impl Statistics {
    fn line(&self) -> String {
        let failed: u64 = self.errors.values().sum();
        let codes: Vec<String> = self.errors.iter().map(|(code, count)| format!("{code} {count}")).collect();
        let codes = if codes.is_empty() { String::new() } else { format!(" ({})", codes.join(", ")) };
        let breaker = self.breaker.as_ref().map(|breaker| {
            let until = breaker.until.as_ref().map(|until| format!(" until {until}")).unwrap_or_default();
            format!("; breaker {}{until}", breaker.phase)
        });
        format!(
            "{} {}: {} calls, {failed} failed{codes}; half within {} ms, 99 % within {} ms; {} in use, {} idle, {} waiting{}",
            self.server,
            self.pid,
            self.calls,
            milliseconds(self.latency.p50_us),
            milliseconds(self.latency.p99_us),
            self.in_use,
            self.idle,
            self.waiting,
            breaker.unwrap_or_default(),
        )
    }
}

fn milliseconds(us: u64) -> String {
    let text = format!("{}.{:03}", us / 1_000, us % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{STATISTICS, field};
    use crate::client::table::Fields;

    #[test]
    fn each_worker_has_a_line() {
        let latency = json!({"mean_us": 1, "p50_us": 2_500, "p95_us": 5_000, "p99_us": 1_000_000});
        let one = json!({"server": "s", "pid": 7, "calls": 12, "errors": {"no-reply": 2, "unreachable": 1},
            "latency": latency, "in_use": 1, "idle": 2, "waiting": 0,
            "breaker": {"phase": "open", "until": "2026-11-30T00:00:00Z", "calls": 5, "failures": 5}});
        let shown = field(Fields::default(), &json!({STATISTICS: [one]})).unwrap();
        let line = "s 7: 12 calls, 3 failed (no-reply 2, unreachable 1); half within 2.5 ms, 99 % within 1000 ms; \
                    1 in use, 2 idle, 0 waiting; breaker open until 2026-11-30T00:00:00Z";
        assert!(format!("{shown:?}").contains(line), "{shown:?}");
    }
}
