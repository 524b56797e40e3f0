//! A server that its balancer reaches by a Unix socket: nothing of it is lost when its processes come and go.

use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use busbar_tests::{
    Load, Plan, Request,
    cluster::{Cluster, START_BOUND, Shape},
    poll, process,
};
use nix::sys::signal::Signal;
use tokio::time::sleep;

fn load(cluster: &Cluster) -> Load {
    let plan = Plan::new(cluster.front().http(), 8, vec![Request::get("/echo?n=1")]);
    Load::start(plan.pause(Duration::from_millis(2)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_outlives_the_processes_behind_it() {
    let shape = Shape { balancer: true, authority: true, sockets: true, ..Shape::default() };
    let mut cluster = Cluster::start(shape).await;
    cluster.deploy_service("echo").await;
    cluster.channel("echo", "/echo", "echo").await;
    cluster.wait_everywhere_at_head(poll::CHANGE_BOUND).await;
    cluster.wait_balanced(2, START_BOUND).await;
    let (server, dir) = (&cluster.servers[0], cluster.servers[0].path("").display().to_string());
    let socket = server.path("run/http.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o660);
    let configured = std::fs::read_to_string(cluster.front().path("balancer/current/haproxy.cfg")).unwrap();
    assert!(configured.contains(&format!("unix@{}", socket.display())), "{configured}");

    let calls = load(&cluster);
    for _ in 0..3 {
        process::signal(server.processes_of("worker")[0], Signal::SIGKILL);
        sleep(Duration::from_millis(400)).await;
    }
    poll::until_true("two workers", START_BOUND, async || server.processes_of("worker").len() == 2).await;
    calls.unharmed("workers killed", 100).await;
    // From here on nobody else could answer for it.
    cluster.api("POST", "/servers/bus-2/drain", None).await.expect(200);
    cluster.wait_balanced(1, START_BOUND).await;

    let calls = load(&cluster);
    for _ in 0..2 {
        server.folder().run(&["reload", "--dir", &dir]).await.expect(0);
    }
    calls.unharmed("reloads", 100).await;

    // A reload that fails has touched nothing.
    let settings = std::fs::read_to_string(server.path("busbar.toml")).unwrap();
    let calls = load(&cluster);
    std::fs::write(
        server.path("busbar.toml"),
        settings.replace("/run/http.sock\"\nlisten", "/away/http.sock\"\nlisten"),
    )
    .unwrap();
    let refused = server.folder().run(&["reload", "--dir", &dir]).await;
    assert!(refused.expect(1).stderr.contains("http.socket"), "{refused:?}");
    std::fs::write(server.path("busbar.toml"), settings).unwrap();
    calls.unharmed("a reload that fails", 100).await;

    let calls = load(&cluster);
    cluster.servers[0].kill_parent().await;
    sleep(Duration::from_millis(500)).await;
    cluster.revive(0);
    let server = &cluster.servers[0];
    // Those who lived on have been replaced.
    poll::until_true("the workers of the next parent", START_BOUND, async || {
        server.processes_of("worker").len() == 2 && server.processes_of("singleton").len() == 1
    })
    .await;
    sleep(Duration::from_millis(500)).await;
    calls.unharmed("the parent killed, and the next one", 100).await;
    let status = cluster.servers[0].stop().await;
    assert!(status.success() && !socket.exists(), "{status}");
}
