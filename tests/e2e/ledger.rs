//! An account kept outside: processes die, the database is locked or full, and what was acknowledged is there,
//! whole and once.

use std::{
    collections::BTreeSet,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use busbar_tests::{Client, Folder, Options, Quickstart, Request, poll, process};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::unit_of_work::{done, request, steps, value};

/// Until every delivery has come to its end.
const DELIVERED: Duration = Duration::from_secs(90);

/// What the callers know.
#[derive(Default)]
pub(crate) struct Account {
    next: AtomicU64,
    pub(crate) stop: AtomicBool,
    pub(crate) acknowledged: Mutex<BTreeSet<String>>,
    asked: Mutex<BTreeSet<String>>,
}

/// Whether the database stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Stays,
    /// What was under way when it went may be committed, or not: nobody is told that it is.
    Goes,
}

/// Each request has four effects under a number of its own.
pub(crate) async fn call_on(client: Client, account: Arc<Account>, database: Database) {
    while !account.stop.load(Ordering::Relaxed) {
        let number = format!("{:06}", account.next.fetch_add(1, Ordering::Relaxed));
        account.asked.lock().unwrap().insert(number.clone());
        let effects = json!([
            {"do": "put", "key": format!("a/{number}"), "value": number},
            {"do": "increment", "key": "total", "by": 1},
            {"do": "deliver", "service": "keeper.receive", "input": {"name": number}, "options": {"backoff_ms": 50}},
            {"do": "put", "key": format!("b/{number}"), "value": number},
        ]);
        let all_or_none = Request::post("/keeper").json(&json!({"steps": effects, "strict": true}));
        match client.try_send(&all_or_none).await {
            Ok(reply) if reply.status == 200 => {
                account.acknowledged.lock().unwrap().insert(number);
            }
            Ok(reply) if reply.status == 503 && database == Database::Goes => {
                reply.problem(503, "odb-unavailable");
                sleep(Duration::from_millis(20)).await;
            }
            Ok(reply) => panic!("{reply}"),
            Err(_) => sleep(Duration::from_millis(2)).await,
        }
    }
}

pub(crate) async fn keys(bus: &Quickstart, prefix: &str) -> BTreeSet<String> {
    let (mut found, mut after) = (BTreeSet::new(), Value::Null);
    loop {
        let list = json!([{"do": "list", "prefix": prefix, "after": after, "limit": 1_000}]);
        let mut page = done(bus, list).await[0].take();
        let entries = page["entries"].as_array().unwrap().iter();
        found.extend(entries.map(|entry| entry[0].as_str().unwrap()[prefix.len()..].to_owned()));
        after = page["next"].take();
        if after.is_null() {
            return found;
        }
    }
}

/// Compares what is there with what the callers know.
pub(crate) async fn balance(bus: &Quickstart, account: &Account) {
    let (a, b) = (keys(bus, "a/").await, keys(bus, "b/").await);
    assert_eq!(a, b, "all of a unit or nothing");
    let acknowledged = account.acknowledged.lock().unwrap().clone();
    assert!(acknowledged.is_subset(&a), "acknowledged and lost: {:?}", acknowledged.difference(&a));
    assert!(a.is_subset(&account.asked.lock().unwrap()));
    assert_eq!(value(bus, "total").await, a.len().to_string());
    let received = poll::until("every delivery", DELIVERED, async || {
        let received = keys(bus, "received/").await;
        if received == a { Ok(received) } else { Err(format!("{} of {}", received.len(), a.len())) }
    })
    .await;
    for name in &received {
        let count = bus.invoke("keeper.received", &json!({"name": name})).await.expect(200);
        assert_eq!(count["count"], 1, "{name} is recorded once");
    }
}

async fn workers_die(workers: u32, kills: usize) -> String {
    let options = Options { services: vec!["keeper"], workers, ..Options::default() };
    let bus = Quickstart::start_with(options).await;
    let account = Arc::new(Account::default());
    let callers: Vec<_> = (0..16)
        .map(|_| tokio::spawn(call_on(bus.http().clone(), Arc::clone(&account), Database::Stays)))
        .collect();
    let mut seed = 7_u64;
    for _ in 0..kills {
        // Anywhere in the life of a call: they take a few milliseconds each.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        sleep(Duration::from_micros(20_000 + (seed >> 33) % 60_000)).await;
        let victim = poll::until("a worker", DELIVERED, async || {
            let living = bus.processes_of("worker");
            let at = (seed >> 40) as usize % living.len().max(1);
            // One serves on, so that calls are under way all the time.
            if living.len() > 1 { Ok(living[at]) } else { Err(format!("{living:?}")) }
        })
        .await;
        process::signal(victim, Signal::SIGKILL);
    }
    account.stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    balance(&bus, &account).await;
    let acknowledged = account.acknowledged.lock().unwrap().len();
    let asked = account.asked.lock().unwrap().len();
    assert!(acknowledged > kills, "{acknowledged} of {asked} calls were answered");
    format!("{kills} kills, {asked} calls, {acknowledged} acknowledged")
}

#[tokio::test]
async fn what_a_killed_worker_acknowledged_is_kept() {
    workers_die(3, 12).await;
}

#[tokio::test]
#[ignore = "long: run by make test-long"]
async fn long_hundreds_of_killed_workers_lose_nothing() {
    eprintln!("{}", workers_die(16, 300).await);
}

/// All processes at once, as when the machine loses power, but for the system's caches.
#[tokio::test]
async fn what_was_acknowledged_survives_the_end_of_everything() {
    let mut bus = Quickstart::start(&["keeper"]).await;
    let account = Arc::new(Account::default());
    for round in 0..2 {
        let callers: Vec<_> = (0..8)
            .map(|_| tokio::spawn(call_on(bus.http().clone(), Arc::clone(&account), Database::Stays)))
            .collect();
        sleep(Duration::from_millis(300 + 170 * round)).await;
        account.stop.store(true, Ordering::Relaxed);
        bus.processes().iter().for_each(|process| process::signal(process.pid, Signal::SIGKILL));
        for caller in callers {
            caller.await.unwrap();
        }
        account.stop.store(false, Ordering::Relaxed);
        let (_, folder) = bus.ended().await;
        let options = Options { services: vec!["keeper"], ..Options::default() };
        bus = Quickstart::start_in(folder, options).await;
        balance(&bus, &account).await;
    }
}

/// Another process that holds the database's lock for writing.
struct Locker(Child);

impl Locker {
    fn of(folder: &Folder, time: Duration) -> Self {
        let script = "import sqlite3, sys, time\n\
            c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)\n\
            c.execute('BEGIN IMMEDIATE')\n\
            print('locked', flush=True)\n\
            time.sleep(float(sys.argv[2]))\n\
            c.execute('ROLLBACK')\n";
        let mut command = Command::new("python3");
        command.args(["-c", script]).arg(folder.path("odb.sqlite")).arg(time.as_secs_f64().to_string());
        let mut child = command.stdout(Stdio::piped()).spawn().expect("python3 starts");
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
        assert_eq!(line, "locked\n");
        Self(child)
    }
}

impl Drop for Locker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn the_database_is_locked_for(time: Duration) {
    let bus = Quickstart::start(&["keeper", "echo"]).await;
    bus.create_channel("impatient", "/impatient", "keeper.run", json!({"timeout_ms": 700})).await;
    bus.settle().await;
    done(&bus, json!([{"do": "put", "key": "before", "value": "1"}])).await;
    let locker = Locker::of(bus.folder(), time);
    let started = Instant::now();
    let put = |key: &str| request(&json!([{"do": "put", "key": key, "value": "1"}]));
    let waiting: Vec<_> = (0..8)
        .map(|number| {
            let (client, request) = (bus.http().clone(), put(&format!("patient/{number}")));
            tokio::spawn(async move { client.send(&request).await.status })
        })
        .collect();
    // Who can't wait is told so, and nothing of that call is ever committed.
    let body = json!({"steps": [{"do": "put", "key": "impatient", "value": "1"}]});
    let refused = bus.http().send(&busbar_tests::Request::post("/impatient").json(&body)).await;
    refused.problem(503, "odb-unavailable");
    assert!(refused.header("retry-after").is_some(), "{refused}");
    // What needs no commit goes on.
    for _ in 0..20 {
        let asked = Instant::now();
        bus.http().get("/echo").await.expect_status(200);
        assert_eq!(value(&bus, "before").await, "1");
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    }
    assert!(started.elapsed() < time, "the lock was held all the while");
    for call in waiting {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert!(started.elapsed() >= time, "nobody committed beside the lock");
    drop(locker);
    assert_eq!(keys(&bus, "patient/").await.len(), 8);
    assert_eq!(value(&bus, "impatient").await, Value::Null);
}

#[tokio::test]
async fn calls_wait_for_a_locked_database() {
    the_database_is_locked_for(Duration::from_secs(4)).await;
}

#[tokio::test]
#[ignore = "long: run by make test-long"]
async fn long_calls_wait_for_a_database_locked_for_half_a_minute() {
    the_database_is_locked_for(Duration::from_secs(28)).await;
}

/// A file system that is small.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    /// `None` where nobody may mount one.
    fn mount(at: std::path::PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(&at).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(at))
    }

    fn grow(&self) {
        let grown = Command::new("mount").args(["-o", "remount,size=64m"]).arg(&self.0).status();
        assert!(grown.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_what_it_can_not_keep() {
    let folder = Folder::default();
    let Some(disk) = SmallDisk::mount(folder.root().join("small")) else {
        eprintln!(
            "not run: mounting a small file system needs root; the store's tests fill a database instead"
        );
        return;
    };
    let url = format!("sqlite:{}", disk.0.join("odb.db").display());
    let environment = vec![("BUSBAR_ODB_URL", url)];
    let options = Options { services: vec!["keeper", "echo"], environment, ..Options::default() };
    let bus = Quickstart::start_in(folder, options).await;
    let mut kept = 0;
    let refused = loop {
        let key = format!("full/{kept}");
        let list = json!([
            {"do": "fill", "key": key, "bytes": 200_000},
            {"do": "deliver", "service": "keeper.receive", "input": {"name": key}},
        ]);
        let reply = steps(&bus, list).await;
        if reply.status != 200 {
            break reply;
        }
        kept += 1;
        assert!(kept < 60, "the disk has no end");
    };
    refused.problem(503, "odb-unavailable");
    assert!(refused.header("retry-after").is_some(), "{refused}");
    assert_eq!(keys(&bus, "full/").await.len(), kept);
    bus.http().get("/echo").await.expect_status(200);
    disk.grow();
    poll::until("room", poll::CHANGE_BOUND, async || {
        let reply = steps(&bus, json!([{"do": "put", "key": "room", "value": "1"}])).await;
        if reply.status == 200 { Ok(()) } else { Err(reply.to_string()) }
    })
    .await;
    poll::until("every delivery", DELIVERED, async || {
        let received = keys(&bus, "received/full/").await.len();
        if received == kept { Ok(()) } else { Err(format!("{received} of {kept}")) }
    })
    .await;
    bus.stop().await;
}
