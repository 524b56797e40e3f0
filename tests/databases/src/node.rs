//! The files and the process of one server.

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Gid, Pid, Uid, User, chown},
};

use crate::kind::Kind;

pub(crate) const USER: &str = "busbar";
pub(crate) const PASSWORD: &str = "hush-hush";
/// Servers that refuse to be root's are this user's, whom every system has.
const NOBODY: &str = "nobody";
const INTERVAL: Duration = Duration::from_millis(25);
/// At least a minute. Looks are counted and not the time, which passes on a machine that is halted too.
const START_LOOKS: usize = 2400;
const STOP_BOUND: Duration = Duration::from_secs(30);

/// Where a server's files are, and its port.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    pub(crate) kind: Kind,
    pub(crate) port: u16,
    /// Whether it takes connections by TLS, too.
    pub(crate) encrypted: bool,
}

impl Place {
    pub(crate) fn new(kind: Kind, folder: &Path, port: u16) -> Self {
        Self { folder: folder.to_owned(), kind, port, encrypted: false }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes the server's files. Nothing of an earlier one may be there.
    pub(crate) fn prepare(&self) {
        fs::create_dir_all(&self.folder).expect("a folder can be made");
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o755)).expect("a folder can be opened");
        if let Some((uid, gid)) = owner() {
            chown(&self.folder, Some(uid), Some(gid)).expect("root can give a folder away");
        }
        let mut command = self.kind.initialise(self);
        self.detach(&mut command, "initialised");
        let status = command.status().expect("the server's files can be made");
        assert!(status.success(), "{:?} can't be prepared: {}", self.kind, self.said("initialised"));
        if self.encrypted {
            self.certify();
        }
    }

    /// A certificate of its own for 127.0.0.1, which is its authority's too: `tls.crt`.
    fn certify(&self) {
        let mut openssl = Command::new("openssl");
        openssl.args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(' '));
        openssl.args("-subj /CN=database -addext subjectAltName=IP:127.0.0.1".split(' '));
        // Else clients that are strict take it for an authority's only.
        openssl.args("-addext basicConstraints=critical,CA:FALSE".split(' '));
        openssl.args("-keyout tls.key -out tls.crt".split(' '));
        self.detach(&mut openssl, "certified");
        let status = openssl.status().expect("openssl starts");
        assert!(status.success(), "no certificate: {}", self.said("certified"));
    }

    /// Starts the server, whose process id is in `server.pid` from then on, and waits until it serves.
    pub(crate) fn start(&self) -> Child {
        let mut looks = 0;
        let mut child = self.spawn();
        loop {
            if self.try_sql(None, "SELECT 1").is_ok() {
                return child;
            }
            if child.try_wait().expect("a child can be asked").is_some() {
                child = self.spawn();
                sleep(INTERVAL * 20);
            }
            looks += 1;
            assert!(looks < START_LOOKS, "{:?} does not serve: {}", self.kind, self.said("output"));
            sleep(INTERVAL);
        }
    }

    fn spawn(&self) -> Child {
        let mut command = self.kind.serve(self);
        self.detach(&mut command, "output");
        let child = command.spawn().expect("the server starts");
        fs::write(self.path("server.pid"), child.id().to_string()).expect("a file can be written");
        child
    }

    /// Apart from the test: as another user where the test is root's, and in a group of its own.
    fn detach(&self, command: &mut Command, output: &str) {
        let output = fs::File::create(self.path(output)).expect("a file can be written");
        let errors = output.try_clone().expect("a file can be written by two");
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
        command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
        command.current_dir(&self.folder);
        if let Some((uid, gid)) = owner() {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
    }

    fn said(&self, output: &str) -> String {
        fs::read_to_string(self.path(output)).unwrap_or_default()
    }

    /// The rows that statements give, a line each; or what the server says of them.
    pub(crate) fn try_sql(&self, database: Option<&str>, statements: &str) -> Result<String, String> {
        let mut client = self.kind.client(self, database).spawn().expect("the client starts");
        let mut input = client.stdin.take().expect("the client has an input");
        // A client that can't connect reads nothing.
        let _ = input.write_all(statements.as_bytes());
        drop(input);
        let output = client.wait_with_output().expect("the client ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

/// Ends a server's process, in order or at once; returns when it is gone.
pub(crate) fn end(child: &mut Child, signal: Signal) {
    let _ = kill(Pid::from_raw(child.id().cast_signed()), signal);
    let started = Instant::now();
    while child.try_wait().expect("a child can be asked").is_none() {
        if started.elapsed() > STOP_BOUND {
            eprintln!("a database server does not end by {signal}");
            let _ = child.kill();
        }
        sleep(INTERVAL);
    }
}

/// Whose the server is, if not the test's.
fn owner() -> Option<(Uid, Gid)> {
    if !Uid::effective().is_root() {
        return None;
    }
    let user = User::from_name(NOBODY).expect("users can be looked up");
    user.map(|user| (user.uid, user.gid))
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("a listener has an address").port()
}
