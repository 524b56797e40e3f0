//! What more of something costs: workers, channels, bytes, calls within calls.

use busbar_tests::{Options, Quickstart};
use serde_json::json;

use crate::{
    rounds::{Floor, POOLED},
    subject::{Rounds, Subject, alternate, get, post},
};

/// CPU time per request with two workers, in that with one.
const WORKERS_TARGET: f64 = 1.05;
/// With a thousand channels, in that with ten.
const CHANNELS_TARGET: f64 = 1.03;
const CHANNELS_MANY: usize = 1_000;
/// A body of a MiB passed through by handle, in the bare server's echo of it.
const BODY_TARGET: f64 = 1.2;
const BODY_BYTES: usize = 1024 * 1024;
const BODY_CONNECTIONS: usize = 8;
/// Microseconds of a call of a local service in a fresh instance.
const NESTED_TARGET_US: f64 = 15.0;
const NESTED: u32 = 20;

pub(crate) async fn report(quick: bool) {
    let rounds = Rounds::new(quick);
    println!("| more of it | CPU µs/request | of that | ratio | target |");
    println!("| --- | --: | --: | --: | --: |");
    workers(rounds).await;
    channels(rounds, if quick { 200 } else { CHANNELS_MANY }).await;
    bodies(rounds).await;
    println!();
    nested(rounds).await;
}

fn row(less: &Subject, more: &Subject, target: f64) {
    let errors = less.errors() + more.errors();
    assert!(errors < 1.0, "{} and {}: {errors} errors", less.name, more.name);
    let (few, many) = (less.cpu_us(), more.cpu_us());
    println!("| {} | {many:.2} | {}: {few:.2} | {:.2} | {target} |", more.name, less.name, many / few);
}

/// As many connections for each worker.
async fn workers(rounds: Rounds) {
    let one =
        Quickstart::start_with(Options { services: vec!["echo"], workers: 1, ..Options::default() }).await;
    let two = Quickstart::start(&["echo"]).await;
    for bus in [&one, &two] {
        bus.limit("echo", &json!({"calls_per_instance": POOLED})).await;
    }
    let mut subjects = [("one worker", &one), ("two workers", &two)]
        .map(|(name, bus)| Subject::of(name, bus, echo(bus, "/echo")));
    subjects[0].connections /= 2;
    alternate(&mut subjects, rounds, async |_| {}).await;
    row(&subjects[0], &subjects[1], WORKERS_TARGET);
}

async fn channels(rounds: Rounds, many: usize) {
    let few = Quickstart::start(&["echo"]).await;
    let full = Quickstart::start(&["echo"]).await;
    for (bus, count) in [(&few, 10), (&full, many)] {
        bus.limit("echo", &json!({"calls_per_instance": POOLED})).await;
        for at in 0..count {
            bus.create_channel(&format!("c-{at}"), &format!("/many/{at}/{{item}}"), "echo", json!({})).await;
        }
        bus.settle().await;
    }
    let names = [("ten channels".to_owned(), &few), (format!("{many} channels"), &full)];
    let mut subjects = names.map(|(name, bus)| Subject::of(&name, bus, echo(bus, "/many/7/x")));
    alternate(&mut subjects, rounds, async |_| {}).await;
    row(&subjects[0], &subjects[1], CHANNELS_TARGET);
}

fn echo(bus: &Quickstart, path: &str) -> String {
    get(bus.http().authority(), path)
}

async fn bodies(rounds: Rounds) {
    let floor = Floor::start();
    let bus = Quickstart::start(&["echo"]).await;
    let body = vec![b'x'; BODY_BYTES];
    let request = |authority: &str, path: &str| post(authority, path, "Content-Type: text/plain\r\n", &body);
    let through = request(bus.http().authority(), "/echo/body");
    let mut subjects = [
        Subject::new("bare hyper", &floor.authority, floor.folder.root(), request(&floor.authority, "/")),
        Subject::of("1 MiB passed through by handle", &bus, through),
    ];
    subjects.iter_mut().for_each(|subject| subject.connections = BODY_CONNECTIONS);
    alternate(&mut subjects, rounds, async |_| {}).await;
    row(&subjects[0], &subjects[1], BODY_TARGET);
}

/// The difference between a call that makes many and one that makes none, for each of them.
async fn nested(rounds: Rounds) {
    let bus = Quickstart::start(&["echo", "faulty"]).await;
    let request = |times: u32| {
        let headers = format!("X-API-Key: {}\r\nContent-Type: application/json\r\n", bus.invoker_key());
        let body = json!({"service": "echo", "times": times}).to_string();
        post(bus.http().authority(), "/_busbar/invoke/faulty.repeat", &headers, body.as_bytes())
    };
    let ways = [(1, 0), (1, NESTED), (POOLED, NESTED), (POOLED, 0)];
    let mut subjects =
        ways.map(|(calls, times)| Subject::of(&format!("{calls} {times}"), &bus, request(times)));
    alternate(&mut subjects, rounds, async |at: usize| {
        bus.limit("echo", &json!({"calls_per_instance": ways[at].0})).await;
    })
    .await;
    subjects.iter().for_each(|subject| assert!(subject.errors() < 1.0, "{} has errors", subject.name));
    let [none, fresh, pooled, none_too] = subjects.map(|subject| subject.cpu_us());
    let each = |with: f64, without: f64| (with - without) / f64::from(NESTED);
    println!("| a call within a call ({NESTED} of `echo`, one after the other) | CPU µs | target |");
    println!("| --- | --: | --: |");
    println!("| in a fresh instance | {:.2} | {NESTED_TARGET_US} |", each(fresh, none));
    println!("| pooled | {:.2} | – |\n", each(pooled, none_too));
}
