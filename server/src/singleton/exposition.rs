//! Metrics in the text format that Prometheus reads (exposition format 0.0.4).

mod jobs;
mod outgoing;

use std::{collections::BTreeMap, fmt::Write as _};

use busbar_engine::metrics::{BUCKETS_US, Counts};
use busbar_model::server::{Load, Worker, WorkerState};

use crate::singleton::{odb_counts::Counts as OdbCounts, scheduler::LatenessCounts, workers::Totals};

pub(crate) fn render(
    totals: &Totals,
    workers: &[Worker],
    catalog_version: i64,
    counts: &OdbCounts,
    lateness: &LatenessCounts,
) -> String {
    let mut out = String::new();
    requests(&mut out, totals);
    durations(&mut out, totals);
    head(&mut out, "busbar_errors_total", "counter", "Calls that failed, by kind, nested ones included.");
    for (kind, count) in &totals.errors {
        line(&mut out, "busbar_errors_total", &[("kind", kind.label())], *count);
    }
    head(&mut out, "busbar_workers", "gauge", "Worker processes by state.");
    let mut by_state = BTreeMap::from([("starting", 0_u64), ("ready", 0), ("draining", 0)]);
    for worker in workers {
        *by_state.entry(state(worker.state)).or_default() += 1;
    }
    for (state, count) in by_state {
        line(&mut out, "busbar_workers", &[("state", state)], count);
    }
    head(&mut out, "busbar_catalog_version", "gauge", "ODB version that the workers are fed.");
    line(&mut out, "busbar_catalog_version", &[], u64::try_from(catalog_version).unwrap_or_default());
    head(&mut out, "busbar_worker_catalog_version", "gauge", "ODB version that each worker serves.");
    for worker in workers {
        let slot = worker.slot.to_string();
        line(
            &mut out,
            "busbar_worker_catalog_version",
            &[("worker", &slot)],
            u64::try_from(worker.catalog_version).unwrap_or_default(),
        );
    }
    loads(&mut out, workers);
    outgoing::render(&mut out, &totals.outgoing, workers);
    if !counts.deliveries.is_empty() {
        let help = "Deliveries by state, those of the whole cluster on each of its servers.";
        head(&mut out, "busbar_deliveries", "gauge", help);
    }
    for (state, count) in &counts.deliveries {
        line(&mut out, "busbar_deliveries", &[("state", state.as_str())], *count);
    }
    jobs::render(&mut out, &counts.runs, lateness);
    out
}

/// How busy each worker was when it was last asked.
fn loads(out: &mut String, workers: &[Worker]) {
    type Figure = (&'static str, &'static str, fn(&Load) -> u64);
    let figures: [Figure; 4] = [
        ("busbar_worker_connections", "Open connections of each worker.", |load| load.connections),
        ("busbar_worker_connections_idle", "Those of them that wait for a request.", |load| {
            load.connections_idle
        }),
        ("busbar_worker_body_bytes", "Request bodies that each worker holds in memory.", |load| {
            load.body_bytes
        }),
        ("busbar_worker_memory_bytes", "Linear memory of each worker's instances.", |load| load.memory_bytes),
    ];
    for (name, help, figure) in figures {
        head(out, name, "gauge", help);
        for worker in workers {
            line(out, name, &[("worker", &worker.slot.to_string())], figure(&worker.load));
        }
    }
    head(out, "busbar_worker_trouble", "gauge", "What each worker lacked a moment ago.");
    for worker in workers {
        for trouble in &worker.load.troubles {
            line(out, "busbar_worker_trouble", &[("worker", &worker.slot.to_string()), ("kind", trouble)], 1);
        }
    }
}

fn requests(out: &mut String, totals: &Totals) {
    head(
        out,
        "busbar_requests_total",
        "counter",
        "Requests by service, channel and status; calls of services by services have channel _invoke.",
    );
    for ((service, channel), counts) in &totals.requests {
        for (status, count) in &counts.statuses {
            let status = status.to_string();
            line(
                out,
                "busbar_requests_total",
                &[("service", service), ("channel", channel), ("status", &status)],
                *count,
            );
        }
    }
}

fn durations(out: &mut String, totals: &Totals) {
    let name = "busbar_request_duration_seconds";
    head(out, name, "histogram", "Time from accepting a request to its reply's head.");
    for ((service, channel), counts) in &totals.requests {
        histogram(out, name, &[("service", service), ("channel", channel)], counts);
    }
}

fn histogram<K>(out: &mut String, name: &str, labels: &[(&str, &str)], counts: &Counts<K>) {
    let mut below = 0;
    let bounds = BUCKETS_US.iter().map(|us| seconds(*us)).chain([String::from("+Inf")]);
    for (bound, count) in bounds.zip(counts.buckets) {
        below += count;
        let labels: Vec<_> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
        line(out, &format!("{name}_bucket"), &labels, below);
    }
    labelled(out, &format!("{name}_sum"), labels);
    let _ = writeln!(out, " {}", seconds(counts.sum_us));
    line(out, &format!("{name}_count"), labels, below);
}

/// Microseconds as decimal seconds, exactly.
fn seconds(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn state(state: WorkerState) -> &'static str {
    match state {
        WorkerState::Starting => "starting",
        WorkerState::Ready => "ready",
        WorkerState::Draining => "draining",
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(out: &mut String, name: &str, labels: &[(&str, &str)], value: u64) {
    labelled(out, name, labels);
    let _ = writeln!(out, " {value}");
}

fn labelled(out: &mut String, name: &str, labels: &[(&str, &str)]) {
    out.push_str(name);
    for (at, (label, value)) in labels.iter().enumerate() {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(out, "{}{label}=\"{escaped}\"", if at == 0 { '{' } else { ',' });
    }
    if !labels.is_empty() {
        out.push('}');
    }
}

#[cfg(test)]
mod tests {
    use busbar_engine::metrics::Counts;
    use busbar_model::delivery::DeliveryState;

    use super::render;
    use crate::singleton::{
        odb_counts::Counts as OdbCounts,
        scheduler::{Lateness, LatenessCounts},
        workers::Totals,
    };

    #[test]
    fn histograms_are_cumulated() {
        let mut totals = Totals::default();
        let mut counts = Counts { statuses: vec![(200, 3)], sum_us: 1_500_000, ..Counts::default() };
        counts.buckets[0] = 2;
        counts.buckets[14] = 1;
        totals.requests.insert(("a".into(), "b\"".into()), counts);
        let sent =
            Counts { statuses: vec![("ok".into(), 2), ("circuit-open".into(), 1)], ..Counts::default() };
        totals.outgoing.insert("prices".into(), sent);
        let lateness = Lateness::default();
        lateness.record(&[120, 80, 90_000]);
        let counts = OdbCounts {
            deliveries: vec![(DeliveryState::InDoubt, 4)],
            runs: vec![("nightly".into(), [3, 2, 0]), (String::new(), [1, 0, 0])],
        };
        let text = render(&totals, &[], 7, &counts, &lateness.get());
        assert!(
            !render(&totals, &[], 7, &OdbCounts::default(), &LatenessCounts::default()).contains("job_runs")
        );
        for expected in [
            r#"busbar_requests_total{service="a",channel="b\"",status="200"} 3"#,
            r#"busbar_request_duration_seconds_bucket{service="a",channel="b\"",le="0.0001"} 2"#,
            r#"busbar_request_duration_seconds_bucket{service="a",channel="b\"",le="5"} 2"#,
            r#"busbar_request_duration_seconds_bucket{service="a",channel="b\"",le="+Inf"} 3"#,
            r#"busbar_request_duration_seconds_sum{service="a",channel="b\""} 1.5"#,
            "busbar_catalog_version 7",
            r#"busbar_connection_calls_total{connection="prices",outcome="circuit-open"} 1"#,
            r#"busbar_connection_call_duration_seconds_count{connection="prices"} 0"#,
            r#"busbar_deliveries{state="in-doubt"} 4"#,
            r#"busbar_job_runs_total{job="nightly",outcome="failure"} 2"#,
            r#"busbar_job_runs_total{job="_other",outcome="success"} 1"#,
            r#"busbar_job_lateness_seconds_bucket{le="0.1"} 1"#,
            r#"busbar_job_lateness_seconds_bucket{le="+Inf"} 3"#,
            "busbar_job_lateness_seconds_sum 90.2",
        ] {
            assert!(text.lines().any(|line| line == expected), "{expected}\n{text}");
        }
    }
}
