//! Calls by connections to systems of others.

use std::collections::BTreeMap;

use busbar_engine::metrics::{Counts, Outcome};
use busbar_model::server::{Outgoing, Worker};

use super::{head, histogram, line};

pub(super) fn render(out: &mut String, totals: &BTreeMap<String, Counts<Outcome>>, workers: &[Worker]) {
    if !totals.is_empty() {
        let name = "busbar_connection_calls_total";
        head(out, name, "counter", "Calls of services by connections, by outcome: ok, or a fault's code.");
        for (connection, counts) in totals {
            for (outcome, count) in &counts.statuses {
                line(out, name, &[("connection", connection), ("outcome", outcome)], *count);
            }
        }
        let name = "busbar_connection_call_duration_seconds";
        head(out, name, "histogram", "Time to a reply's head, or to what a statement gave.");
        for (connection, counts) in totals {
            histogram(out, name, &[("connection", connection)], counts);
        }
    }
    pools(out, workers);
}

/// What each worker has open, and its breakers.
fn pools(out: &mut String, workers: &[Worker]) {
    if workers.iter().all(|worker| worker.load.outgoing.is_empty()) {
        return;
    }
    type Figure = (&'static str, &'static str, fn(&Outgoing) -> u64);
    let figures: [Figure; 4] = [
        ("busbar_connection_in_use", "Network connections in use, by worker.", |one| one.in_use),
        ("busbar_connection_idle", "Open network connections that are not in use, by worker.", |one| {
            one.idle
        }),
        ("busbar_connection_waiting", "Calls that wait for one, by worker.", |one| one.waiting),
        ("busbar_connection_circuit_open", "1 where a worker's breaker is not closed.", |one| {
            one.breaker.as_ref().map_or(0, |breaker| u64::from(breaker.phase != "closed"))
        }),
    ];
    for (name, help, figure) in figures {
        head(out, name, "gauge", help);
        for worker in workers {
            let slot = worker.slot.to_string();
            for one in &worker.load.outgoing {
                let labels = [("worker", slot.as_str()), ("connection", one.connection.as_str())];
                line(out, name, &labels, figure(one));
            }
        }
    }
}
