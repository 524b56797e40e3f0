//! Reloads under load.

use busbar_lb_config::{Bounded, Outcome};

use crate::{
    backend::Backend,
    load::Load,
    stage::{Stage, server},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_reloads_fail_no_request() {
    let mut stage = Stage::new();
    let (a, b) = (Backend::start(stage.path(), "a").await, Backend::start(stage.path(), "b").await);
    let servers = || vec![server(&a), server(&b)];
    stage.begin();
    stage.want(servers(), |_| {});
    let first = stage.applied().await;
    let load = Load::start(stage.port, 8);
    for number in 0..20_u64 {
        load.more(20).await;
        stage.want(servers(), |settings| settings.timeouts.queue_ms = Bounded::nearest(5_000 + number));
        let report = stage.applied().await;
        assert_eq!(report.applied.unwrap().outcome, Outcome::Reloaded);
    }
    load.more(100).await;
    let last = stage.report().unwrap();
    assert_ne!(last.haproxy.unwrap().pid, first.haproxy.unwrap().pid);
    println!("20 reloads, {} requests, 0 failed", load.all_well().await);
}
