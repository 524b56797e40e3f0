//! Configurations that are wanted, and do not do.

use std::{fs, net::TcpListener, time::Duration};

use busbar_lb_agent::Request;
use busbar_lb_config::{BindSettings, Bounded, ListenAddress, Outcome, Settings};
use tokio::time::sleep;

use crate::{
    backend::Backend,
    load::Load,
    stage::{Stage, free_port, server},
};

fn also_listen(settings: &mut Settings, port: u16) {
    let address = ListenAddress::new(&format!("127.0.0.1:{port}")).unwrap();
    settings.front_end.push(BindSettings { address, tls: None });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_load_or_serve_is_put_back_and_not_tried_again() {
    let mut stage = Stage::new();
    let a = Backend::start(stage.path(), "a").await;
    stage.begin();
    stage.want(vec![server(&a)], |_| {});
    let first = stage.applied().await;
    let load = Load::start(stage.port, 4);

    // It passes haproxy -c, and can't be loaded.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    stage.want(vec![server(&a)], |settings| also_listen(settings, port));
    let (reason, report) = stage.failed().await;
    assert!(reason.contains("cannot bind socket"), "{reason}");
    assert_eq!(report.applied.unwrap().number, first.applied.unwrap().number);
    assert!(report.haproxy.is_some());
    let tried = fs::read_dir(stage.options.folder.join("configs")).unwrap().count();

    // Nor is it tried again while nothing changes; and what is wanted is tried when it does.
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!(fs::read_dir(stage.options.folder.join("configs")).unwrap().count(), tried);
    stage.want(vec![server(&a)], |settings| also_listen(settings, free_port()));
    stage.applied().await;

    // The first was right but for the port, which is free now.
    drop(taken);
    stage.want(vec![server(&a)], |settings| also_listen(settings, port));
    stage.applied().await;
    println!("{} requests, 0 failed", load.all_well().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_loses_all_servers_is_put_back() {
    let mut stage = Stage::new();
    let a = Backend::start(stage.path(), "a").await;
    stage.begin();
    stage.want(vec![server(&a)], |_| {});
    stage.applied().await;
    let load = Load::start(stage.port, 4);
    let mut moved = server(&a);
    moved.address = busbar_lb_config::Address::new(&format!("127.0.0.1:{}", free_port())).unwrap();
    let moved_to = moved.clone();
    // Requests that meet the wrong address are answered with 503 until it is put back.
    stage.want(vec![moved], |_| {});
    let (reason, report) = stage.failed().await;
    assert!(reason.contains("no server is up: a is DOWN (L4CON"), "{reason}");
    assert_eq!(report.applied.unwrap().number, 1);
    drop(load);
    stage.server_is("a", "up", |server| server.status == "UP").await;
    assert_eq!(stage.get("/x", "").await.0, 200);
    let busbar_lb_agent::Response::History { entries } = stage.ask(Request::History).await else { panic!() };
    assert_eq!((entries[0].outcome, entries[0].number), (Outcome::PutBack, 2));

    // Where nobody is ready anywhere, the same change comes into force.
    a.ready(false);
    stage.server_is("a", "down", |server| server.status == "DOWN").await;
    stage.want(vec![moved_to], |settings| settings.retries = Bounded::nearest(1));
    let report = stage.applied().await;
    assert!(report.applied.unwrap().reason.unwrap().contains("no server is up"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_one_need_not_find_a_server_and_a_bad_first_one_leaves_nothing() {
    let mut stage = Stage::new();
    let a = Backend::with(stage.path(), "a", |folder| fs::write(folder.join("not-ready"), "").unwrap()).await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    stage.begin();
    stage.want(vec![server(&a)], |settings| also_listen(settings, port));
    let (reason, report) = stage.failed().await;
    assert!(reason.contains("cannot bind socket"), "{reason}");
    assert!(report.applied.is_none() && report.haproxy.is_none(), "{report:?}");
    stage.want(vec![server(&a)], |_| {});
    let report = stage.applied().await;
    assert!(report.applied.unwrap().reason.unwrap().contains("a is DOWN (L7STS"));
    a.ready(true);
    stage.server_is("a", "up", |server| server.status == "UP").await;
    assert_eq!(stage.get("/x", "").await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_haproxy_that_is_not_there_is_named() {
    let mut stage = Stage::new();
    stage.options.haproxy = "/nowhere/haproxy".into();
    stage.begin();
    stage.want(Vec::new(), |_| {});
    let (reason, _) = stage.failed().await;
    assert!(reason.contains("/nowhere/haproxy can't be run: No such file"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_history_is_bounded() {
    let mut stage = Stage::new();
    let a = Backend::start(stage.path(), "a").await;
    stage.begin();
    for number in 0..55 {
        stage.want(
            vec![{
                let mut server = server(&a);
                server.weight = Bounded::nearest(100 + number);
                server
            }],
            |_| {},
        );
        stage.applied().await;
    }
    let busbar_lb_agent::Response::History { entries } = stage.ask(Request::History).await else { panic!() };
    assert_eq!((entries.len(), entries[0].number), (50, 55));
    assert_eq!(fs::read_dir(stage.options.folder.join("configs")).unwrap().count(), 50);
}
