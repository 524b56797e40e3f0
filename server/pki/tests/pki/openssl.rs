//! The `openssl` command, and connections that it makes.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    process::{Command, Stdio},
    thread::{self, JoinHandle},
    time::Duration,
};

use busbar_pki::{Acceptor, Identity, Peers, Role, TicketKey, Ticketer};
use tempfile::TempDir;
use tokio_rustls::rustls::{ServerConnection, StreamOwned};

use crate::world::World;

/// What a command printed, on both of its outputs.
pub(crate) struct Ran {
    command: String,
    succeeded: bool,
    output: String,
    errors: String,
}

impl Ran {
    /// Its standard output.
    pub(crate) fn success(self) -> String {
        assert!(self.succeeded, "{}: {}{}", self.command, self.output, self.errors);
        self.output
    }

    /// All that it said.
    pub(crate) fn failure(self) -> String {
        assert!(!self.succeeded, "{} was to fail: {}{}", self.command, self.output, self.errors);
        self.output + &self.errors
    }
}

/// Runs it with that input; stopped after 30 s.
pub(crate) fn openssl(arguments: &[&str], input: &str) -> Ran {
    let mut command = Command::new("timeout");
    command.args(["30", "openssl"]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("openssl is installed");
    // One that reads nothing may have ended by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran {
        command: format!("openssl {}", arguments.join(" ")),
        succeeded: output.status.success(),
        output: text(output.stdout),
        errors: text(output.stderr),
    }
}

/// A file in the folder; its path.
pub(crate) fn put(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Accepts so many connections, and tells each who it is.
fn serve(acceptor: Acceptor, connections: usize) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = thread::spawn(move || {
        for _ in 0..connections {
            let (socket, _) = listener.accept().unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            let mut stream = StreamOwned::new(ServerConnection::new(acceptor.config()).unwrap(), socket);
            let mut word = [0; 4];
            // Who is refused gets an alert, which is sent when the error is found.
            if stream.read_exact(&mut word).is_ok() {
                let shown = stream.conn.peer_certificates().and_then(|shown| shown.first());
                let caller = shown.map(|shown| Identity::of(shown).unwrap().urn());
                let kind = stream.conn.handshake_kind();
                writeln!(stream, "you are {} by {kind:?}", caller.as_deref().unwrap_or("nobody")).unwrap();
                stream.conn.send_close_notify();
                stream.flush().unwrap();
            }
        }
    });
    (address, serving)
}

/// What `openssl s_client` takes of a member.
struct Files {
    folder: TempDir,
    authority: String,
}

impl Files {
    fn new(world: &World) -> Self {
        let folder = TempDir::new().unwrap();
        let authority = put(&folder, "ca.pem", &world.trust().to_pem());
        Self { folder, authority }
    }

    fn member(&self, world: &World, role: Role, name: &str) -> [String; 2] {
        let (key, certificate) = world.issued(role, name);
        let certificate = put(&self.folder, &format!("{role}-{name}.pem"), &certificate.to_pem());
        [certificate, put(&self.folder, &format!("{role}-{name}.key"), &key.to_pem())]
    }

    fn connect(&self, address: SocketAddr, shown: Option<&[String; 2]>, others: &[&str]) -> Ran {
        let address = address.to_string();
        let mut arguments = vec!["s_client", "-connect", &address, "-CAfile", &self.authority];
        arguments.extend(["-verify_return_error", "-ign_eof", "-alpn", "http/1.1"]);
        if let Some([certificate, key]) = shown {
            arguments.extend(["-cert", certificate, "-key", key]);
        }
        arguments.extend(others);
        openssl(&arguments, "ask\n")
    }
}

#[test]
fn openssl_connects_with_a_certificate_by_both_versions() {
    let world = World::new("prod");
    let files = Files::new(&world);
    let serving = world.member(Role::Server, "web-1");
    let config = Acceptor::new(&serving, Peers::required([Role::Balancer]), None).unwrap();
    let (address, thread) = serve(config, 5);
    let balancer = files.member(&world, Role::Balancer, "lb");
    let host = ["-verify_hostname", "web-1.server.prod.busbar.internal"];
    for (version, protocol) in [("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")] {
        let said = files.connect(address, Some(&balancer), &[&[version], &host[..]].concat()).success();
        for expected in [
            "you are urn:busbar:prod:balancer:lb",
            "Verify return code: 0 (ok)",
            "ALPN protocol: http/1.1",
            protocol,
        ] {
            assert!(said.contains(expected), "{expected} in {said}");
        }
    }
    for old in
        [&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"][..], &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"]]
    {
        let said = files.connect(address, Some(&balancer), old).failure();
        assert!(said.contains("alert") && !said.contains("you are"), "{said}");
    }
    // By a host that says another role, as somebody would have it who expects an admin.
    let other = ["-verify_hostname", "web-1.admin.prod.busbar.internal"];
    let said = files.connect(address, Some(&balancer), &other).failure();
    assert!(said.contains("ostname mismatch"), "{said}");
    thread.join().unwrap();
}

#[test]
fn openssl_is_refused_with_a_wrong_certificate_or_none() {
    let world = World::new("prod");
    let files = Files::new(&world);
    let serving = world.member(Role::Server, "web-1");
    let config = Acceptor::new(&serving, Peers::required([Role::Balancer]), None).unwrap();
    let (address, thread) = serve(config, 6);
    let operator = files.member(&world, Role::Operator, "ann");
    let foreign = files.member(&World::new("prod"), Role::Balancer, "lb");
    for shown in [Some(&operator), Some(&foreign), None] {
        for version in ["-tls1_3", "-tls1_2"] {
            let said = files.connect(address, shown, &[version]).failure();
            assert!(said.contains("alert") && !said.contains("you are"), "{said}");
        }
    }
    thread.join().unwrap();
}

#[test]
fn openssl_resumes_by_ticket_with_either_version() {
    let world = World::new("prod");
    let files = Files::new(&world);
    let serving = world.member(Role::Server, "web-1");
    let ticketer = Ticketer::new(&TicketKey::generate().unwrap(), None).unwrap();
    let config = Acceptor::new(&serving, Peers::required([Role::Balancer]), Some(&ticketer)).unwrap();
    let (address, thread) = serve(config, 4);
    let balancer = files.member(&world, Role::Balancer, "lb");
    for version in ["-tls1_3", "-tls1_2"] {
        let session = files.folder.path().join(format!("session{version}"));
        let session = session.to_str().unwrap();
        let first = files.connect(address, Some(&balancer), &[version, "-sess_out", session]).success();
        assert!(first.contains("you are urn:busbar:prod:balancer:lb by Some(Full)"), "{first}");
        let second = files.connect(address, Some(&balancer), &[version, "-sess_in", session]).success();
        assert!(second.contains("you are urn:busbar:prod:balancer:lb by Some(Resumed)"), "{second}");
    }
    thread.join().unwrap();
}
