//! Hosts of their own in one network: network namespaces, joined by a bridge that this host is at, too. Making them needs
//! root. All of it is gone when nothing runs in it any more, however the test ends.

use std::{
    ffi::OsStr,
    fs::{self, File},
    net::Ipv4Addr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use nix::sched::{CloneFlags, setns};
use tokio::runtime;

use crate::folder::Folder;

/// How long the kernel may take to make a namespace.
const PATIENCE: Duration = Duration::from_secs(10);

/// A network namespace.
#[derive(Debug)]
struct Namespace {
    /// Lives as long as its input, which ends with this process at the latest.
    holder: Child,
}

impl Namespace {
    /// `None` where this process may not make any.
    fn make() -> Option<Self> {
        let mut holder = Command::new("unshare");
        holder.args(["--net", "cat"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut namespace = Self { holder: holder.spawn().ok()? };
        let own = fs::read_link("/proc/self/ns/net").expect("/proc is readable");
        let begun = Instant::now();
        while fs::read_link(namespace.file()).is_ok_and(|file| file == own) {
            assert!(begun.elapsed() < PATIENCE, "a namespace was not made within {PATIENCE:?}");
            thread::sleep(Duration::from_millis(5));
        }
        let ended = namespace.holder.try_wait().expect("a child can be waited for").is_some();
        (!ended).then_some(namespace)
    }

    fn file(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/ns/net", self.holder.id()))
    }

    fn entering(&self) -> [String; 2] {
        [format!("--net={}", self.file().display()), "--".to_owned()]
    }

    /// `ip` in it; must succeed.
    fn ip(&self, arguments: &str) -> String {
        let mut command = Command::new("nsenter");
        finished(command.args(self.entering()).arg("ip").args(arguments.split(' ')))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        // Its own errors are none of the test's business.
        let _ = self.holder.wait();
    }
}

/// Standard output of a command, which must succeed.
fn finished(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A network with 254 addresses.
#[derive(Debug)]
pub struct Network {
    switch: Arc<Namespace>,
    /// The first three bytes of its addresses.
    prefix: [u8; 3],
    hosts: u8,
}

impl Network {
    /// `None` where this process may not make any. Its addresses are of those that are meant for trials (RFC 2544).
    pub fn make() -> Option<Self> {
        let switch = Namespace::make()?;
        let own = std::process::id();
        let [.., third, fourth] = own.to_be_bytes();
        let prefix = [198, 18 + third % 2, fourth];
        switch.ip("link add bridge type bridge");
        switch.ip("link set bridge up");
        let (name, holder) = (format!("trial{own}"), switch.holder.id());
        finished(
            Command::new("ip")
                .args(format!("link add {name} type veth peer name uplink netns {holder}").split(' ')),
        );
        switch.ip("link set uplink master bridge up");
        let network = Self { switch: Arc::new(switch), prefix, hosts: 0 };
        let address = network.address(1);
        finished(Command::new("ip").args(format!("address add {address}/24 dev {name}").split(' ')));
        finished(Command::new("ip").args(["link", "set", &name, "up"]));
        Some(network)
    }

    fn address(&self, last: u8) -> Ipv4Addr {
        let [first, second, third] = self.prefix;
        Ipv4Addr::new(first, second, third, last)
    }

    /// Of the host that the test runs on.
    pub fn own_address(&self) -> Ipv4Addr {
        self.address(1)
    }

    /// That no host has by itself.
    pub fn free_address(&self) -> Ipv4Addr {
        self.address(200)
    }

    /// Another host, with the interface `eth0`.
    pub fn host(&mut self) -> Host {
        self.hosts += 1;
        let number = self.hosts;
        let namespace = Namespace::make().expect("there is a namespace already");
        let address = self.address(10 + number);
        let (port, holder) = (format!("port{number}"), namespace.holder.id());
        self.switch.ip(&format!("link add {port} type veth peer name eth0 netns {holder}"));
        self.switch.ip(&format!("link set {port} master bridge up"));
        for command in ["link set lo up", &format!("address add {address}/24 dev eth0"), "link set eth0 up"] {
            namespace.ip(command);
        }
        Host { address, port, switch: Arc::clone(&self.switch), namespace: Arc::new(namespace) }
    }
}

/// One of a network.
#[derive(Clone, Debug)]
pub struct Host {
    pub address: Ipv4Addr,
    port: String,
    switch: Arc<Namespace>,
    namespace: Arc<Namespace>,
}

impl Host {
    /// A program that runs on it, and belongs to a folder.
    pub fn command(&self, folder: &Folder, program: impl AsRef<OsStr>) -> Command {
        let mut command = folder.command("nsenter");
        command.args(self.namespace.entering()).arg(program);
        command
    }

    /// Whether it has this address now.
    pub fn has(&self, address: Ipv4Addr) -> bool {
        self.namespace.ip("-4 -oneline address show dev eth0").contains(&format!(" {address}/"))
    }

    /// Pulls its cable out, or puts it in.
    pub fn connected(&self, connected: bool) {
        self.switch.ip(&format!("link set {} {}", self.port, if connected { "up" } else { "down" }));
    }

    /// Does something on it, in a thread of its own.
    pub fn run<T: Send + 'static>(&self, work: impl AsyncFnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let namespace = File::open(self.namespace.file()).expect("the namespace is there");
        thread::spawn(move || {
            setns(namespace, CloneFlags::CLONE_NEWNET).expect("the namespace can be entered");
            let runtime =
                runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
            runtime.block_on(work())
        })
    }
}
