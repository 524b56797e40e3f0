//! Two balancers with one address: whatever happens to the one that has it, callers are soon at the other.

use std::{
    fs::{self, File},
    net::Ipv4Addr,
    path::PathBuf,
    process::Child,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use busbar_tests::{
    Connection, Request,
    cluster::{Cluster, Member, PORT, START_BOUND, Shape},
    network::{Host, Network},
    poll, process,
};
use futures_util::future::join_all;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

/// The promise "callers reconnect within 3 s", at three times its value.
const RECONNECT_BOUND: Duration = Duration::from_secs(9);
/// Until agents have heard and done what is wanted.
const SETTLED: Duration = Duration::from_secs(30);
/// A caller that heard nothing for so long tries anew: what it sent may have gone to a host that is no longer there.
const CALLER_PATIENCE: Duration = Duration::from_secs(1);
const CALLERS: usize = 8;

/// An agent with its HAProxy and keepalived, on a host of its own.
struct Balancer {
    host: Host,
    agent: Member,
    keepalived: Option<Child>,
}

impl Balancer {
    async fn start(cluster: &Cluster, host: Host, name: &str) -> Self {
        let agent = cluster.agent_on(&host, name).await;
        Self { host, agent, keepalived: None }
    }

    /// Writes the file as an operator would, and starts keepalived with it.
    async fn share(&mut self, address: Ipv4Addr, priority: &str, peer: Option<Ipv4Addr>) {
        let folder = self.agent.folder();
        let (dir, address) = (folder.dir().display().to_string(), format!("{address}/24"));
        let mut arguments = vec!["balancer", "keepalived", "--dir", &dir, "--interface", "eth0"];
        arguments.extend(["--address", &address, "--router-id", "51", "--priority", priority]);
        let (own, peer) = (self.host.address.to_string(), peer.map(|peer| peer.to_string()));
        if let Some(peer) = &peer {
            arguments.extend(["--source", &own, "--peer", peer]);
        }
        let written = folder.run(&arguments).await;
        fs::write(folder.root().join("keepalived.conf"), &written.expect(0).stdout).unwrap();
        self.start_keepalived();
    }

    fn start_keepalived(&mut self) {
        let folder = self.agent.folder();
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let mut command = self.host.command(folder, "keepalived");
        command.args(["--dont-fork", "--log-console", "--vrrp", "--use-file", "keepalived.conf"]);
        command.args(["--pid", "keepalived.pid", "--vrrp_pid", "vrrp.pid"]);
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.keepalived = Some(command.spawn().expect("keepalived starts"));
    }

    fn log(&self) -> PathBuf {
        self.agent.folder().root().join("keepalived.log")
    }

    fn processes_of(&self, program: &str) -> Vec<u32> {
        let is_it = |command: &str| command.split(' ').next().is_some_and(|name| name.ends_with(program));
        let processes = self.agent.processes().into_iter().filter(|process| is_it(&process.command));
        processes.map(|process| process.pid).collect()
    }

    /// To all processes of HAProxy.
    fn signal_haproxy(&self, signal: Signal) {
        for haproxy in self.processes_of("haproxy") {
            process::signal(haproxy, signal);
        }
    }

    /// HAProxy dies, and so does its agent, which would start it again.
    fn kill_haproxy(&mut self) {
        for agent in self.agent.processes_of("lb-agent") {
            process::signal(agent, Signal::SIGKILL);
        }
        self.signal_haproxy(Signal::SIGKILL);
    }

    /// All of it at once, so that it takes nothing back.
    fn kill_keepalived(&mut self) {
        loop {
            let living = self.processes_of("keepalived");
            living.iter().for_each(|pid| process::signal(*pid, Signal::SIGKILL));
            if living.is_empty() {
                break;
            }
        }
        self.keepalived.take().expect("keepalived runs").wait().unwrap();
        // One of them is an orphan: as long as nobody has waited for it, keepalived takes it for a running one.
        for file in ["keepalived.pid", "vrrp.pid"] {
            fs::remove_file(self.agent.folder().root().join(file)).unwrap();
        }
    }

    async fn wait_has(&self, address: Ipv4Addr, has: bool) {
        poll::until(&format!("{} has {address}: {has}", self.agent.name), SETTLED, async || {
            if self.host.has(address) == has {
                Ok(())
            } else {
                Err(fs::read_to_string(self.log()).unwrap_or_default())
            }
        })
        .await;
    }
}

/// Callers on another host, on connections that they keep for as long as these last.
struct Callers {
    stop: Arc<AtomicBool>,
    good: Arc<AtomicU64>,
    thread: JoinHandle<Vec<Duration>>,
}

impl Callers {
    fn start(host: &Host, authority: &str) -> Self {
        let (stop, good) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, counted, authority) = (Arc::clone(&stop), Arc::clone(&good), authority.to_owned());
        let thread = host
            .run(async move || join_all((0..CALLERS).map(|_| call(&authority, &stopped, &counted))).await);
        Self { stop, good, thread }
    }

    async fn some(&self) {
        let goal = self.good.load(Ordering::Relaxed) + 200;
        poll::until_true("replies", SETTLED, async || self.good.load(Ordering::Relaxed) > goal).await;
    }

    /// The longest time in which any of them had no reply.
    async fn end(self, what: &str) {
        self.some().await;
        self.stop.store(true, Ordering::Relaxed);
        poll::until_true("the callers' end", SETTLED, async || self.thread.is_finished()).await;
        let pause = self.thread.join().unwrap().into_iter().max().unwrap();
        eprintln!("{what}: callers had no reply for {pause:?} at most");
        assert!(pause < RECONNECT_BOUND, "{what}: {pause:?}");
    }
}

/// Calls until it is to stop; the longest time between two good replies.
async fn call(authority: &str, stop: &AtomicBool, good: &AtomicU64) -> Duration {
    let (mut longest, mut last) = (Duration::ZERO, Instant::now());
    let mut connection: Option<Connection> = None;
    while !stop.load(Ordering::Relaxed) {
        let asked = timeout(CALLER_PATIENCE, async {
            let mut open = match connection.take() {
                Some(open) => open,
                None => Connection::open(authority).await.ok()?,
            };
            let reply = open.try_send(&Request::get("/echo?n=1")).await.ok()?;
            (reply.status == 200).then_some(open)
        });
        if let Ok(Some(open)) = asked.await {
            connection = (!open.is_closed()).then_some(open);
            longest = longest.max(last.elapsed());
            last = Instant::now();
            good.fetch_add(1, Ordering::Relaxed);
        }
        sleep(Duration::from_millis(20)).await;
    }
    longest.max(last.elapsed())
}

/// Waits until both agents say that the newest of what is wanted is in force, and the same of them.
async fn wait_same(cluster: &Cluster, balancers: &[Balancer]) {
    poll::until("the same configuration of both", SETTLED, async || {
        let seen = cluster.read("/balancer").await;
        let agents = seen["agents"].as_array().unwrap();
        let is_well = |agent: &&Value| {
            let report = &agent["report"];
            let up = report["servers"].as_array().into_iter().flatten();
            let up = up.filter(|one| one["status"].as_str().is_some_and(|status| status.starts_with("UP")));
            report["standing"]["state"] == "ok" && up.count() == cluster.servers.len()
        };
        let version = |at: usize| &agents[at]["report"]["wanted_version"];
        let well = agents.iter().filter(is_well).count() == balancers.len();
        if well && version(0) == version(1) { Ok(()) } else { Err(seen.to_string()) }
    })
    .await;
    let lines = balancers.iter().map(|balancer| {
        let text = fs::read_to_string(balancer.agent.path("balancer/current/haproxy.cfg")).unwrap();
        // Each shows a certificate of its own.
        let own = balancer.agent.path("").display().to_string();
        let servers = text.lines().filter(|line| line.trim_start().starts_with("server "));
        servers.map(|line| line.replace(own.trim_end_matches('/'), "DIR")).collect::<Vec<_>>()
    });
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines[0].len(), cluster.servers.len(), "{lines:?}");
    assert_eq!(lines[0], lines[1]);
}

/// Two balancers and who calls them.
struct Pair {
    address: Ipv4Addr,
    caller: Host,
    balancers: [Balancer; 2],
}

impl Pair {
    /// The first one has the address once both are well.
    async fn share(&mut self, priorities: [&str; 2], unicast: bool) {
        let [first, second] = &mut self.balancers;
        let others = [second.host.address, first.host.address].map(|other| unicast.then_some(other));
        first.share(self.address, priorities[0], others[0]).await;
        first.wait_has(self.address, true).await;
        second.share(self.address, priorities[1], others[1]).await;
        second.wait_has(self.address, false).await;
    }

    fn end_keepalived(&mut self) {
        self.balancers.iter_mut().for_each(Balancer::kill_keepalived);
    }

    /// What is done moves the address to one of them, and callers follow in time.
    async fn moves(&mut self, to: usize, what: &str, act: impl FnOnce(&mut Balancer)) {
        let callers = Callers::start(&self.caller, &format!("{}:{PORT}", self.address));
        callers.some().await;
        act(&mut self.balancers[0]);
        self.balancers[to].wait_has(self.address, true).await;
        // One that is not well may believe that it still has it.
        if to == 0 {
            self.balancers[1].wait_has(self.address, false).await;
        }
        callers.end(what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_reconnect_to_the_other_balancer() {
    let Some(mut network) = Network::make() else {
        eprintln!("not run: making network namespaces needs root");
        return;
    };
    let shape = Shape {
        workers: 1,
        broker: false,
        authority: true,
        address: network.own_address(),
        ..Shape::default()
    };
    let cluster = Cluster::start(shape).await;
    cluster.deploy_service("echo").await;
    cluster.channel("echo", "/echo", "echo").await;
    cluster.wait_everywhere_at_head(poll::CHANGE_BOUND).await;
    let balancers = [
        Balancer::start(&cluster, network.host(), "lb-1").await,
        Balancer::start(&cluster, network.host(), "lb-2").await,
    ];
    for balancer in &balancers {
        balancer.agent.wait_ready(START_BOUND).await;
    }
    wait_same(&cluster, &balancers).await;
    cluster.api("PATCH", "/servers/bus-1", Some(&json!({"weight": 50}))).await.expect(200);
    wait_same(&cluster, &balancers).await;

    let mut pair = Pair { address: network.free_address(), caller: network.host(), balancers };
    pair.share(["150", "100"], false).await;
    pair.moves(1, "HAProxy and its agent killed", Balancer::kill_haproxy).await;
    pair.moves(0, "both back", |first| first.agent.restart("lb-agent")).await;
    pair.moves(1, "HAProxy stands still", |first| first.signal_haproxy(Signal::SIGSTOP)).await;
    pair.moves(0, "HAProxy goes on", |first| first.signal_haproxy(Signal::SIGCONT)).await;
    pair.moves(1, "keepalived killed", Balancer::kill_keepalived).await;
    pair.moves(0, "keepalived back", Balancer::start_keepalived).await;
    pair.moves(1, "a cable pulled", |first| first.host.connected(false)).await;
    pair.moves(0, "the cable put in", |first| first.host.connected(true)).await;

    pair.end_keepalived();
    pair.share(["150", "100"], true).await;
    pair.moves(1, "HAProxy and its agent killed, without multicast", Balancer::kill_haproxy).await;
    pair.moves(0, "both back, without multicast", |first| first.agent.restart("lb-agent")).await;

    pair.end_keepalived();
    pair.share(["100", "100"], false).await;
    pair.moves(1, "HAProxy and its agent killed, among equals", Balancer::kill_haproxy).await;
    let [first, second] = &mut pair.balancers;
    first.agent.restart("lb-agent");
    first.agent.wait_ready(START_BOUND).await;
    // Longer than either needs to hear of the other.
    sleep(Duration::from_secs(4)).await;
    assert!(!first.host.has(pair.address) && second.host.has(pair.address), "it stays where it is");
    wait_same(&cluster, &pair.balancers).await;
}
