//! A real HAProxy as the balancer of a server.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use busbar_pki::{Acceptor, Identity, Peers, Role, TicketKey, Ticketer, haproxy_pem, role_host};
use tempfile::TempDir;
use tokio_rustls::rustls::{ServerConnection, StreamOwned};

use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(30);

/// Killed when it is dropped.
struct Haproxy {
    child: Child,
    folder: TempDir,
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Haproxy {
    /// One front end per back end, at `NAME.sock`. One thread, since each has sessions of its own.
    fn start(folder: TempDir, backends: &[(&str, String)]) -> Self {
        let mut text = String::from(
            "global\n  maxconn 100\n  nbthread 1\ndefaults\n  mode http\n  retries 0\n  \
             timeout connect 10s\n  timeout client 20s\n  timeout server 20s\n",
        );
        for (name, server) in backends {
            let socket = socket(&folder, name);
            text.push_str(&format!(
                "frontend {name}\n  bind unix@{}\n  default_backend {name}\nbackend {name}\n  server one {server}\n",
                socket.display()
            ));
        }
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(&file).stdin(Stdio::null());
        let child = command.spawn().expect("haproxy is installed");
        let mut haproxy = Self { child, folder };
        let since = Instant::now();
        while UnixStream::connect(socket(&haproxy.folder, backends[0].0)).is_err() {
            assert!(since.elapsed() < PATIENCE, "haproxy does not listen");
            assert_eq!(haproxy.child.try_wait().unwrap(), None, "haproxy ended");
            thread::sleep(Duration::from_millis(20));
        }
        haproxy
    }

    /// Status line and body.
    fn get(&self, name: &str) -> (String, String) {
        let mut stream = UnixStream::connect(socket(&self.folder, name)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }
}

fn socket(folder: &TempDir, name: &str) -> PathBuf {
    folder.path().join(format!("{name}.sock"))
}

/// Answers each request with who asked and how the session began, one request per connection; for as long as the
/// test runs.
fn serve(acceptor: Acceptor) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let (socket, config) = (socket.unwrap(), acceptor.config());
            thread::spawn(move || answer(StreamOwned::new(ServerConnection::new(config).unwrap(), socket)));
        }
    });
    address
}

fn answer(stream: StreamOwned<ServerConnection, std::net::TcpStream>) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        // A peer that was refused.
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
    }
    let mut stream = reader.into_inner();
    let caller = Identity::of(&stream.conn.peer_certificates().unwrap()[0]).unwrap();
    let body = format!("{caller} {:?}", stream.conn.handshake_kind().unwrap());
    let length = body.len();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
    stream.conn.send_close_notify();
    stream.flush().unwrap();
}

fn put(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn haproxy_and_server_know_each_other_by_role() {
    let world = World::new("prod");
    let serving = world.member(Role::Server, "web-1");
    let ticketer = Ticketer::new(&TicketKey::generate().unwrap(), None).unwrap();
    let config = Acceptor::new(&serving, Peers::required([Role::Balancer]), Some(&ticketer)).unwrap();
    let address = serve(config);

    let folder = TempDir::new().unwrap();
    let authority = put(folder.path(), "ca.pem", &world.trust().to_pem());
    let other = put(folder.path(), "other.pem", &World::new("prod").trust().to_pem());
    let shown = |role: Role| {
        let (key, certificate) = world.issued(role, "lb");
        put(folder.path(), &format!("{role}.pem"), &haproxy_pem(&[certificate], &key))
    };
    let (balancer, operator) = (shown(Role::Balancer), shown(Role::Operator));
    let host =
        |role: Role, name: &str| role_host(world.authority.anchor().cluster(), role, &name.parse().unwrap());
    let line = |shown: &str, authority: &str, host: &str| {
        format!(
            "{address} ssl verify required ca-file {authority} crt {shown} alpn http/1.1 \
             sni str({host}) verifyhost {host}"
        )
    };
    let right = host(Role::Server, "web-1");
    let backends = [
        ("right", line(&balancer, &authority, &right)),
        ("operator", line(&operator, &authority, &right)),
        ("foreign", line(&balancer, &other, &right)),
        ("another", line(&balancer, &authority, &host(Role::Server, "web-2"))),
        ("admin", line(&balancer, &authority, &host(Role::Admin, "web-1"))),
    ];
    let haproxy = Haproxy::start(folder, &backends);
    let (status, body) = haproxy.get("right");
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert_eq!(body, "urn:busbar:prod:balancer:lb Full");
    let (_, body) = haproxy.get("right");
    assert_eq!(body, "urn:busbar:prod:balancer:lb Resumed");
    for (name, _) in &backends[1..] {
        let (status, _) = haproxy.get(name);
        assert!(status.starts_with("HTTP/1.1 50"), "{name}: {status}");
    }
    assert_eq!(haproxy.get("right").0, "HTTP/1.1 200 OK");
}
