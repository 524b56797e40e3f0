//! What is done without a reload, and what a front end does to requests.

use std::fs;

use busbar_lb_config::{Address, Bounded, Name, Outcome, Report, Server, Wanted};

use crate::{
    backend::Backend,
    load::Load,
    stage::{Stage, server},
};

fn runtime(report: &Report, pid: u32) {
    let applied = report.applied.as_ref().unwrap();
    assert_eq!(
        (applied.outcome, report.haproxy.as_ref().unwrap().pid),
        (Outcome::Runtime, pid),
        "{applied:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_come_drain_weigh_and_go_without_a_reload() {
    let mut stage = Stage::new();
    let a = Backend::start(stage.path(), "a").await;
    let b = Backend::with(stage.path(), "b", |folder| {
        let socket = folder.join("b.sock");
        fs::write(folder.join("socket"), socket.to_str().unwrap()).unwrap();
    })
    .await;
    stage.begin();
    stage.want(vec![server(&a)], |_| {});
    let pid = stage.applied().await.haproxy.unwrap().pid;
    let load = Load::start(stage.port, 4);

    stage.want(vec![server(&a), server(&b)], |_| {});
    runtime(&stage.applied().await, pid);
    stage.server_is("b", "used", |server| server.status == "UP" && server.sessions_total > 10).await;

    let mut draining = server(&a);
    draining.wanted = Wanted::Drain;
    stage.want(vec![draining, server(&b)], |_| {});
    runtime(&stage.applied().await, pid);
    let drained = stage.server_is("a", "draining", |server| server.status == "DRAIN").await;
    let total = |report: &Report, name: &str| {
        report.servers.iter().find(|server| server.name == name).map(|server| server.sessions_total).unwrap()
    };
    load.more(200).await;
    let later = stage.server_is("a", "draining", |server| server.status == "DRAIN").await;
    assert!(total(&later, "a") <= total(&drained, "a") + 4, "a draining server gets nothing new");

    let mut heavy = server(&a);
    heavy.weight = Bounded::nearest(200);
    stage.want(vec![heavy.clone(), server(&b)], |_| {});
    runtime(&stage.applied().await, pid);
    stage.server_is("a", "heavy", |server| server.status == "UP" && server.weight == 200).await;

    heavy.wanted = Wanted::Maintenance;
    stage.want(vec![heavy, server(&b)], |_| {});
    runtime(&stage.applied().await, pid);
    stage.server_is("a", "in maintenance", |server| server.status == "MAINT").await;

    stage.want(vec![server(&b)], |_| {});
    runtime(&stage.applied().await, pid);
    let report = stage.reported("a is gone", |report| report.servers.len() == 1).await;
    assert_eq!(report.haproxy.unwrap().pid, pid);

    // A reload finds in the file what the commands did.
    stage.want(vec![server(&b)], |settings| settings.retries = Bounded::nearest(2));
    let report = stage.applied().await;
    assert_ne!(report.haproxy.unwrap().pid, pid);
    let report = stage.server_is("b", "up", |server| server.status == "UP").await;
    assert_eq!(report.servers.len(), 1);
    println!("{} requests, 0 failed", load.all_well().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_headers_do_not_get_through() {
    let mut stage = Stage::new();
    let a = Backend::start(stage.path(), "a").await;
    stage.begin();
    stage.want(vec![server(&a)], |_| {});
    stage.applied().await;
    let forged = "X-Busbar-Tls-Subject: \"/CN=admin\"\r\nx-busbar-caller: root\r\nX-Forwarded-For: 8.8.8.8\r\n\
                  X-Forwarded-Host: evil\r\nForwarded: for=8.8.8.8\r\nX-Other: stays\r\n";
    let (status, answer) = stage.get("/x", forged).await;
    assert_eq!(status, 200);
    assert!(answer.contains("x-forwarded-for: 127.0.0.1\n"), "{answer}");
    assert!(answer.contains("x-forwarded-proto: http\n") && answer.contains("x-other: stays\n"), "{answer}");
    assert!(answer.contains("x-forwarded-host: bus\n"), "{answer}");
    for gone in ["x-busbar", "8.8.8.8", "evil", "forwarded: for"] {
        assert!(!answer.contains(gone), "{gone} in {answer}");
    }
    let (status, answer) = stage.get("/x", "X_Busbar_Tls_Subject: admin\r\n").await;
    assert_eq!(status, 403, "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_server_the_answer_is_a_problem_and_a_services_own_503_passes() {
    let mut stage = Stage::new();
    let a = Backend::start(stage.path(), "a").await;
    let gone = Server::new(Name::new("gone").unwrap(), Address::new("127.0.0.1:1").unwrap());
    stage.begin();
    stage.want(vec![gone], |_| {});
    let report = stage.applied().await;
    assert!(report.applied.unwrap().reason.unwrap().contains("no server is up: gone is DOWN (L4CON"));
    let (status, answer) = stage.get("/x", "").await;
    assert_eq!(status, 503);
    let answer = answer.to_lowercase();
    for part in [
        "retry-after: 2\r\n",
        "content-type: application/problem+json\r\n",
        "\"code\":\"no-server\"",
        "\"status\":503",
    ] {
        assert!(answer.contains(part), "{part} in {answer}");
    }
    let id = answer.split("x-correlation-id: ").nth(1).unwrap().split("\r\n").next().unwrap();
    assert!(id.len() == 36 && answer.contains(&format!("\"correlation_id\":\"{id}\"")), "{answer}");

    stage.want(vec![server(&a)], |_| {});
    stage.applied().await;
    stage.server_is("a", "up", |server| server.status == "UP").await;
    let (status, answer) = stage.get("/fails", "").await;
    assert!(status == 503 && answer.contains("\r\n\r\na\n"), "{answer}");
}
