//! The whole tree dies at a point of a deployment, as when the machine loses power but for the system's caches. What
//! starts again has the old version or the new one, on every worker the same, and the next deployment works.

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant},
};

use busbar_tests::{Folder, Options, Quickstart, deployment::digest, poll, process, wasm};
use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::time::{sleep, timeout};

/// Where a deployment is cut off.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// So long after the file was dropped.
    After(Duration),
    /// As soon as the file is claimed, or put away.
    Claimed,
    PutAway,
    /// As soon as the log says so: what it says is committed.
    Said(&'static str),
}

/// Steps of a deployment, as its files and its log show them.
const STEPS: [Point; 5] = [
    Point::Claimed,
    Point::Said("file taken in"),
    Point::Said("\"compiled\""),
    Point::Said("\"deployed\""),
    Point::PutAway,
];

fn options() -> Options {
    Options { services: vec!["versioned"], ..Options::default() }
}

async fn reached(bus: &Quickstart, point: Point, before: usize) {
    let log = bus.path("logs/singleton.jsonl");
    let said = |text: &str| {
        fs::read_to_string(&log).is_ok_and(|said| said.len() > before && said[before..].contains(text))
    };
    let is_claimed = || !bus.path("pickup/versioned.wasm").exists();
    let is_put_away = || fs::read_dir(bus.path("pickup/.claimed")).unwrap().count() == 0;
    let reached = async {
        loop {
            let now = match point {
                Point::After(_) => true,
                Point::Claimed => is_claimed(),
                Point::PutAway => is_claimed() && is_put_away(),
                Point::Said(text) => said(text),
            };
            if now {
                return;
            }
            sleep(Duration::from_micros(200)).await;
        }
    };
    if let Point::After(time) = point {
        sleep(time).await;
    }
    timeout(poll::DEPLOY_BOUND, reached).await.unwrap_or_else(|_| panic!("{point:?} was not reached"));
}

/// One version, the same on every worker, and nothing else of it.
async fn one_version(bus: &Quickstart) -> u64 {
    let mut seen = BTreeSet::new();
    for mut connection in bus.connect_each().await {
        for path in ["/version", "/version/tree"] {
            seen.extend(versions(&connection.get(path).await.expect(200)));
        }
    }
    assert_eq!(seen.len(), 1, "a mixture: {seen:?}");
    seen.into_iter().next().unwrap()
}

/// Every number in a reply: each is a version.
fn versions(reply: &Value) -> BTreeSet<u64> {
    match reply {
        Value::Number(number) => number.as_u64().into_iter().collect(),
        Value::Object(members) => members.values().flat_map(versions).collect(),
        Value::Array(items) => items.iter().flat_map(versions).collect(),
        _ => BTreeSet::new(),
    }
}

/// Kills all of it at each of the points, one deployment after the other in one folder. Returns how often the old
/// version and how often the new one came back.
async fn cut_off_at(points: &[Point]) -> (usize, usize) {
    let mut bus = Quickstart::start_in(Folder::default(), options()).await;
    let (mut old, mut new) = (0, 0);
    let mut live = one_version(&bus).await;
    for (number, point) in points.iter().enumerate() {
        let next = 100 + u32::try_from(number).unwrap();
        let before = fs::metadata(bus.path("logs/singleton.jsonl"))
            .map_or(0, |log| usize::try_from(log.len()).unwrap());
        bus.pickup("versioned.wasm", &wasm::version(next));
        reached(&bus, *point, before).await;
        bus.processes().iter().for_each(|process| process::signal(process.pid, Signal::SIGKILL));
        process::kill_all(bus.folder().root());
        let (_, folder) = bus.ended().await;
        let active = digest(&wasm::version(next));
        bus = Quickstart::start_in(folder, options()).await;
        // What was dropped goes on where it was, and is live when all is said to be up.
        let found = one_version(&bus).await;
        match found {
            found if found == u64::from(next) => new += 1,
            found if found == live => old += 1,
            found => panic!("{point:?}: version {found} instead of {live} or {next}"),
        }
        bus.wait_deployment("versioned", &active, "active").await;
        bus.wait_workers("versioned", Some(&active)).await;
        bus.wait_moved("versioned.wasm").await;
        live = one_version(&bus).await;
        assert_eq!(live, u64::from(next), "{point:?}: it is no dead end");
    }
    let deployments = bus.deployments("versioned").await;
    assert_eq!(deployments.len(), points.len() + 1, "each was deployed once");
    bus.stop().await;
    (old, new)
}

/// How long a deployment takes here, from the dropped file to the one that is put away.
async fn duration() -> Duration {
    let bus = Quickstart::start_in(Folder::default(), options()).await;
    let begun = Instant::now();
    bus.pickup("versioned.wasm", &wasm::version(99));
    reached(&bus, Point::PutAway, 0).await;
    bus.stop().await;
    begun.elapsed()
}

#[tokio::test]
async fn a_deployment_is_whole_after_a_crash_at_any_step() {
    cut_off_at(&STEPS).await;
}

#[tokio::test]
#[ignore = "long: run by make test-long"]
async fn long_a_deployment_is_whole_after_a_crash_at_hundreds_of_points() {
    let whole = duration().await;
    let mut points: Vec<Point> = (0..300).map(|point| Point::After(whole * point / 280)).collect();
    points.extend(STEPS);
    let (old, new) = cut_off_at(&points).await;
    eprintln!(
        "{} points within {whole:?}: {old} times the old version, {new} times the new one",
        points.len()
    );
}
