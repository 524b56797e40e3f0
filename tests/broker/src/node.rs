//! The files and processes of one RabbitMQ node.

use std::{
    fs,
    net::TcpStream,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

use crate::{certificates::Certificates, control::Control, guardian::Guardian, ports};

/// Debian's, beside the wrapper that insists on a user of its own.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const INTERVAL: Duration = Duration::from_millis(25);
/// At least two minutes of looking; a start takes three seconds on an idle machine. Looks are counted and not the time,
/// which passes on a machine that is halted too.
const START_LOOKS: usize = 4800;
/// Of a node whose test failed.
const LOG_LINES: usize = 60;
const STOP_BOUND: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
    pub(crate) control: Control,
    distribution_port: u16,
    process: Option<Child>,
    epmd: Child,
    /// Before the folder: it wants to find it.
    guardian: Option<Guardian>,
    folder: TempDir,
}

impl Node {
    pub(crate) fn prepare(certificates: &Certificates) -> Self {
        assert!(
            Path::new(SERVER).is_file(),
            "{SERVER} does not exist: `apt-get install rabbitmq-server`, or `make rabbitmq`"
        );
        let folder = tempfile::Builder::new().prefix("broker-").tempdir().expect("a folder can be made");
        let guardian = Guardian::of(folder.path());
        let [port, tls_port, distribution_port, epmd_port] = ports::free();
        let epmd = start_epmd(epmd_port, folder.path());
        let name = format!("test-{port}@localhost");
        let control = Control::new(name, epmd_port, folder.path().to_owned());
        let node = Self {
            port,
            tls_port,
            control,
            distribution_port,
            process: None,
            epmd,
            guardian: Some(guardian),
            folder,
        };
        node.write_files(certificates);
        node
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_files(&self, certificates: &Certificates) {
        let write = |name: &str, text: &str| fs::write(self.path(name), text).expect("a file can be written");
        write("ca.pem", &certificates.ca_pem);
        write("server.pem", &certificates.server.certificate_pem);
        write("server.key", &certificates.server.key_pem);
        // Neither the machine's settings nor its plugins.
        write("environment", "");
        write("plugins", "[].\n");
        let folder = self.folder.path().display();
        let (port, tls_port) = (self.port, self.tls_port);
        write(
            "rabbitmq.conf",
            &format!(
                "listeners.tcp.1 = 127.0.0.1:{port}\n\
                 listeners.ssl.1 = 127.0.0.1:{tls_port}\n\
                 ssl_options.cacertfile = {folder}/ca.pem\n\
                 ssl_options.certfile = {folder}/server.pem\n\
                 ssl_options.keyfile = {folder}/server.key\n\
                 ssl_options.verify = verify_peer\n\
                 ssl_options.fail_if_no_peer_cert = false\n\
                 log.console = false\n\
                 log.file.level = info\n"
            ),
        );
    }

    /// Starts the node with what its folder holds and waits until it serves.
    pub(crate) fn start(&mut self) {
        assert!(self.process.is_none(), "the broker runs already");
        self.spawn();
        self.wait_ready();
    }

    fn spawn(&mut self) {
        let output = fs::File::create(self.path("output")).expect("a file can be written");
        let errors = output.try_clone().expect("a file can be written by two");
        let mut command = Command::new(SERVER);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LANG", "C.UTF-8");
        self.control.environment(&mut command);
        command
            .env("RABBITMQ_NODENAME", self.control.node())
            .env("RABBITMQ_CONFIG_FILE", self.path("rabbitmq.conf"))
            .env("RABBITMQ_CONF_ENV_FILE", self.path("environment"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", self.path("plugins"))
            .env("RABBITMQ_MNESIA_BASE", self.path("data"))
            .env("RABBITMQ_GENERATED_CONFIG_DIR", self.path("generated"))
            .env("RABBITMQ_LOG_BASE", self.path("logs"))
            .env("RABBITMQ_PID_FILE", self.path("started"))
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            // Schedulers that wait don't spin: other tests want the processor.
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
            )
            // The script becomes the node, so that signals meet it.
            .env("RUNNING_UNDER_SYSTEMD", "true")
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .current_dir(self.folder.path());
        let child = command.spawn().expect("rabbitmq-server starts");
        fs::write(self.path("node.pid"), child.id().to_string()).expect("a file can be written");
        self.process = Some(child);
    }

    fn wait_ready(&mut self) {
        let mut answer = Err(String::from("it was not asked"));
        for _ in 0..START_LOOKS {
            // On a machine that is very busy its name service may be too slow for it.
            let ended =
                self.process.as_mut().and_then(|child| child.try_wait().expect("a child can be asked"));
            if ended.is_some() {
                self.spawn();
            }
            let served = [self.port, self.tls_port]
                .iter()
                .all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok());
            if served {
                answer = self.control.try_evaluate("atom_to_binary(rabbit:is_running())");
            }
            if answer.as_deref() == Ok("true") {
                return;
            }
            sleep(INTERVAL);
        }
        panic!("rabbitmq-server does not serve: {answer:?}, {}", self.said());
    }

    fn said(&self) -> String {
        fs::read_to_string(self.path("output")).unwrap_or_default()
    }

    /// Ends the node in order, or at once; returns when it is gone.
    pub(crate) fn end(&mut self, signal: Signal) {
        let Some(mut child) = self.process.take() else { return };
        let _ = kill(Pid::from_raw(child.id().cast_signed()), signal);
        let started = Instant::now();
        while child.try_wait().expect("a child can be asked").is_none() {
            if started.elapsed() > STOP_BOUND {
                eprintln!("rabbitmq-server does not end by {signal}");
                let _ = child.kill();
            }
            sleep(INTERVAL);
        }
        let _ = fs::remove_file(self.path("node.pid"));
    }

    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().expect("the broker runs").id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid().cast_signed()), signal).expect("the broker can be signalled");
    }

    /// The end of the node's log.
    pub(crate) fn log(&self) -> String {
        let name = format!("logs/{}.log", self.control.node());
        let log = fs::read_to_string(self.path(&name)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    /// Takes away all that the node keeps.
    pub(crate) fn forget(&self) {
        fs::remove_dir_all(self.path("data")).expect("the data can be removed");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.end(Signal::SIGKILL);
        let _ = self.epmd.kill();
        let _ = self.epmd.wait();
        let _ = fs::remove_file(self.path("epmd.pid"));
        drop(self.guardian.take());
    }
}

/// The name service of Erlang nodes, one of its own for each broker.
fn start_epmd(port: u16, folder: &Path) -> Child {
    let mut command = Command::new("epmd");
    command.args(["-port", &port.to_string(), "-address", "127.0.0.1"]).process_group(0).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().expect("epmd starts");
    fs::write(folder.join("epmd.pid"), child.id().to_string()).expect("a file can be written");
    child
}
