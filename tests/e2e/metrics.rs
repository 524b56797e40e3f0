//! `/metrics`, all workers summed.

use busbar_tests::{Quickstart, Request, metrics::Samples, poll};
use serde_json::json;

async fn samples(bus: &Quickstart) -> Samples {
    let reply = bus.admin_client().get("/metrics").await;
    let kind = reply.expect_status(200).header("content-type").unwrap_or_default();
    assert!(kind.starts_with("text/plain"), "{kind}");
    Samples::parse(reply.text())
}

#[tokio::test]
async fn counts_are_summed_over_workers() {
    let bus = Quickstart::start(&["echo", "greeter", "faulty"]).await;
    let mut connections = bus.connect_each().await;
    for connection in &mut connections {
        for _ in 0..10 {
            connection.get("/greet/Ada").await.expect_status(200);
        }
        connection.get("/greet/Ada?language=xx").await.expect_status(400);
        connection.get("/no-such-path").await.expect_status(404);
        connection.send(&bus.invocation("faulty.trap", &json!({}))).await.expect_status(500);
        connection.send(&bus.invocation("faulty.count", &json!({}))).await.expect_status(200);
    }
    let workers = u32::try_from(connections.len()).unwrap();
    assert_eq!(workers, 2);
    let channel = bus.channel_at("/greet/{name}").await["name"].as_str().unwrap().to_owned();
    let expected = [
        (
            "busbar_requests_total",
            vec![("service", "greeter.greet"), ("channel", &channel), ("status", "200")],
            10,
        ),
        (
            "busbar_requests_total",
            vec![("service", "greeter.greet"), ("channel", &channel), ("status", "400")],
            1,
        ),
        ("busbar_requests_total", vec![("status", "404")], 1),
        ("busbar_requests_total", vec![("service", "faulty.trap"), ("status", "500")], 1),
        ("busbar_requests_total", vec![("service", "faulty.count"), ("status", "200")], 1),
        ("busbar_errors_total", vec![("kind", "trap")], 1),
        ("busbar_errors_total", vec![("kind", "not-found")], 1),
        ("busbar_errors_total", vec![("kind", "rejected")], 1),
        (
            "busbar_request_duration_seconds_count",
            vec![("service", "greeter.greet"), ("channel", &channel)],
            11,
        ),
    ];
    poll::until("all counts", poll::CHANGE_BOUND, async || {
        let samples = samples(&bus).await;
        for (name, labels, per_worker) in &expected {
            let sum = samples.sum(name, labels);
            if (sum - f64::from(per_worker * workers)).abs() > 1e-9 {
                return Err(format!("{name} {labels:?} is {sum}"));
            }
        }
        Ok(())
    })
    .await;
    histograms_are_cumulative(&samples(&bus).await, &channel);
    a_dead_workers_counts_stay(&bus, &channel).await;
}

fn histograms_are_cumulative(samples: &Samples, channel: &str) {
    let buckets: Vec<_> = samples
        .named("busbar_request_duration_seconds_bucket")
        .into_iter()
        .filter(|sample| sample.labels["channel"] == channel)
        .collect();
    assert!(buckets.len() > 5, "{buckets:?}");
    let values: Vec<f64> = buckets.iter().map(|bucket| bucket.value).collect();
    assert!(values.is_sorted(), "{values:?}");
    let last = buckets.last().unwrap();
    assert_eq!(last.labels["le"], "+Inf");
    let labels = [("channel", channel)];
    assert!((last.value - samples.sum("busbar_request_duration_seconds_count", &labels)).abs() < 1e-9);
    let sum = samples.sum("busbar_request_duration_seconds_sum", &labels);
    assert!(sum > 0.0 && sum < 60.0, "{sum} seconds");
}

async fn a_dead_workers_counts_stay(bus: &Quickstart, channel: &str) {
    let victim = bus.workers().await[0];
    busbar_tests::process::signal(victim, nix::sys::signal::Signal::SIGKILL);
    poll::until("the successor", poll::DEPLOY_BOUND, async || {
        let workers = bus.workers().await;
        if workers.len() == 2 && !workers.contains(&victim) { Ok(()) } else { Err(format!("{workers:?}")) }
    })
    .await;
    bus.http().send(&Request::get("/greet/Ada")).await.expect_status(200);
    poll::until("counts go on", poll::CHANGE_BOUND, async || {
        let labels = [("channel", channel), ("status", "200")];
        let sum = samples(bus).await.sum("busbar_requests_total", &labels);
        if (sum - 21.0).abs() < 1e-9 { Ok(()) } else { Err(sum.to_string()) }
    })
    .await;
}
