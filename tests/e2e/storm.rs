//! Any process dies at any time, under load: an account outside and the folder of files agree with what the bus
//! has in the end.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use busbar_tests::{Load, Options, Plan, Quickstart, Request, deployment::digest, poll, process, wasm};
use nix::sys::signal::Signal;
use tokio::time::sleep;

use crate::ledger::{Account, Database, balance, call_on};

/// Numbers that look random and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

const VICTIMS: [&str; 6] = ["worker", "worker", "singleton", "compile", "admin-process", "quickstart"];

struct Storm {
    bus: Quickstart,
    options: Options,
    chance: Chance,
    /// The digest of each file that was dropped.
    dropped: Vec<String>,
    killed: Vec<&'static str>,
}

impl Storm {
    async fn start() -> Self {
        let options = Options { services: vec!["keeper", "echo"], workers: 3, ..Options::default() };
        let bus = Quickstart::start_with(options.clone()).await;
        Self { bus, options, chance: Chance(11), dropped: Vec::new(), killed: Vec::new() }
    }

    /// A file that was not there before, unless the last one waits to be taken still.
    fn drop_file(&mut self) {
        if !self.bus.path("pickup/versioned.wasm").exists() {
            let file = wasm::version(u32::try_from(self.dropped.len()).unwrap() + 1);
            self.bus.pickup("versioned.wasm", &file);
            self.dropped.push(digest(&file));
        }
    }

    /// Kills a process of a role, if there is one.
    async fn strike(mut self, role: &'static str) -> Self {
        let living = self.bus.processes_of(role);
        if living.is_empty() || (role == "worker" && living.len() == 1) {
            return self;
        }
        let victim = living[usize::try_from(self.chance.below(living.len() as u64)).unwrap()];
        if role == "quickstart" {
            self.bus.kill_parent().await;
            sleep(Duration::from_millis(self.chance.below(300))).await;
            self.bus = self.bus.start_again(&self.options).await;
        } else {
            process::signal(victim, Signal::SIGKILL);
        }
        self.killed.push(role);
        self
    }

    /// Every file was deployed, once; the last one is what runs.
    async fn settle(&self) {
        let last = self.dropped.last().unwrap();
        poll::until("every file is put away", poll::DEPLOY_BOUND, async || {
            let left = ["pickup", "pickup/.claimed"].map(|folder| {
                let files = std::fs::read_dir(self.bus.path(folder)).unwrap();
                let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
                names.filter(|name| name.ends_with(".wasm")).collect::<Vec<_>>()
            });
            if left.concat().is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
        })
        .await;
        self.bus.wait_deployment("versioned", last, "active").await;
        self.bus.wait_workers("versioned", Some(last)).await;
        let deployments = self.bus.deployments("versioned").await;
        for digest in &self.dropped {
            let of_it: Vec<_> = deployments.iter().filter(|one| one["digest"] == **digest).collect();
            assert_eq!(of_it.len(), 1, "{digest}: {of_it:?}");
            let state = of_it[0]["state"].as_str().unwrap();
            assert!(["active", "superseded"].contains(&state), "{of_it:?}");
        }
        assert_eq!(deployments.len(), self.dropped.len());
        let refused: Vec<_> = std::fs::read_dir(self.bus.path("pickup/failed")).unwrap().collect();
        assert!(refused.is_empty(), "{refused:?}");
    }
}

async fn storm(kills: usize) -> String {
    let mut storm = Storm::start().await;
    let account = Arc::new(Account::default());
    let callers: Vec<_> = (0..8)
        .map(|_| tokio::spawn(call_on(storm.bus.http().clone(), Arc::clone(&account), Database::Stays)))
        .collect();
    let load = Load::start(
        Plan::new(storm.bus.http(), 4, vec![Request::get("/echo")]).pause(Duration::from_millis(1)),
    );
    let begun = Instant::now();
    while storm.killed.len() < kills {
        // Each kind has its turn, so that a short storm has all of them.
        let role = match storm.killed.len() {
            turn if turn < VICTIMS.len() => VICTIMS[turn],
            _ => VICTIMS[usize::try_from(storm.chance.below(VICTIMS.len() as u64)).unwrap()],
        };
        storm.drop_file();
        sleep(Duration::from_millis(10 + storm.chance.below(150))).await;
        if role == "compile" {
            let bus = &storm.bus;
            let _ = tokio::time::timeout(Duration::from_secs(3), async {
                while bus.processes_of("compile").is_empty() {
                    sleep(Duration::from_millis(1)).await;
                }
            })
            .await;
        }
        storm = storm.strike(role).await;
    }
    account.stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    let report = load.stop().await;
    let workers = storm.killed.iter().filter(|role| **role == "worker").count() as u64;
    assert_eq!((report.wrong, report.refused), (0, 0), "{report}");
    assert!(report.broken <= workers * 4, "{workers} workers died: {report}");
    storm.settle().await;
    balance(&storm.bus, &account).await;
    storm.bus.stop().await;
    format!("{} kills in {:?}, {} files", kills, begun.elapsed(), storm.dropped.len())
}

#[tokio::test]
async fn anything_dies_and_nothing_is_lost() {
    storm(8).await;
}

#[tokio::test]
#[ignore = "long: run by make test-long"]
async fn long_a_week_of_kills() {
    eprintln!("{}", storm(400).await);
}
