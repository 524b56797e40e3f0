//! Every kind of setting, rendered, is a configuration that `haproxy -c` takes.

use std::{fs, path::Path, process::Command};

use busbar_lb_config::{
    Address, Algorithm, BindSettings, BindTls, Bounded, FilePath, Hop, HopTls, ListenAddress, LogTarget,
    Name, OwnLines, Server, Settings, SocketPath, State, Wanted, render_with,
};
use rcgen::{CertificateParams, KeyPair};

fn path(path: &Path) -> FilePath {
    FilePath::new(path.to_str().unwrap()).unwrap()
}

fn servers() -> Vec<Server> {
    let addresses = [
        "10.0.0.1:17010",
        "[2001:db8::1]:17010",
        "/run/busbar/a.sock",
        "no-such-host.invalid:17010",
        "10.0.0.2:1",
    ];
    let named = addresses.iter().enumerate();
    let mut servers: Vec<Server> = named
        .map(|(number, address)| {
            Server::new(Name::new(&format!("Server-{number}.x_y")).unwrap(), Address::new(address).unwrap())
        })
        .collect();
    servers[0].wanted = Wanted::Drain;
    servers[1].wanted = Wanted::Maintenance;
    servers[2].weight = Bounded::nearest(256);
    for server in &mut servers {
        server.server_name = Some(busbar_lb_config::HostName::new("b.example.org").unwrap());
    }
    servers
}

/// Each of its settings as far as it goes, one way and the other.
fn all(folder: &Path) -> Vec<Settings> {
    let certificate = folder.join("both.pem");
    let key = KeyPair::generate().unwrap();
    let made = CertificateParams::new(["x".to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(&certificate, made.pem() + &key.serialize_pem()).unwrap();
    let certificate = path(&certificate);
    let tls = |client_ca, http2| {
        let address = ListenAddress::new(if http2 { "[::]:8443" } else { "127.0.0.1:9443" }).unwrap();
        BindSettings { address, tls: Some(BindTls { certificate: certificate.clone(), client_ca, http2 }) }
    };
    let base =
        Settings { stats_socket: Some(SocketPath::new("/tmp/x.sock").unwrap()), ..Settings::default() };
    let mut found = Vec::new();
    for algorithm in
        [Algorithm::Roundrobin, Algorithm::Leastconn, Algorithm::First, Algorithm::Random, Algorithm::Source]
    {
        for secure in [false, true] {
            let mut settings = Settings { algorithm, ..base.clone() };
            let unix = ListenAddress::new("/run/busbar/front.sock").unwrap();
            settings.front_end.push(BindSettings { address: unix, tls: None });
            if secure {
                settings.front_end.extend([tls(None, true), tls(Some(certificate.clone()), false)]);
                settings.hop =
                    Hop { tls: Some(HopTls { ca: certificate.clone(), certificate: certificate.clone() }) };
            }
            found.push(settings);
        }
    }
    for (low, value) in [(true, 0), (false, u64::MAX)] {
        let mut settings = base.clone();
        settings.retries = Bounded::nearest(value);
        settings.connections_max = Bounded::nearest(value.min(1_000));
        settings.buffer_bytes = Bounded::nearest(value);
        settings.slow_start_ms = Bounded::nearest(value);
        settings.stop_after_ms = Bounded::nearest(value);
        settings.threads = (!low).then(|| Bounded::nearest(4));
        settings.log = Some(if low {
            LogTarget::Stdout
        } else {
            LogTarget::Address(Address::new("127.0.0.1:514").unwrap())
        });
        let times = &mut settings.timeouts;
        for time in [
            &mut times.request_ms,
            &mut times.keep_alive_ms,
            &mut times.connect_ms,
            &mut times.client_ms,
            &mut times.server_ms,
            &mut times.queue_ms,
        ] {
            *time = Bounded::nearest(value);
        }
        let health = &mut settings.health;
        for time in [&mut health.interval_ms, &mut health.fast_interval_ms, &mut health.timeout_ms] {
            *time = Bounded::nearest(value);
        }
        health.fall = Bounded::nearest(value);
        health.rise = Bounded::nearest(value);
        health.error_limit = Bounded::nearest(value);
        found.push(settings);
    }
    found
}

#[test]
fn haproxy_takes_every_kind_of_setting_without_a_warning() {
    let temp = tempfile::tempdir().unwrap();
    let line = |line: &str| vec![line.to_owned()];
    let own = OwnLines {
        global: line("    maxsslconn 100"),
        frontend: line("    http-request return status 418 if { path /teapot }"),
        backend: line("    fullconn 100"),
        sections: vec!["frontend mine".to_owned(), "    bind 127.0.0.1:8405".to_owned()],
    };
    for settings in all(temp.path()) {
        for (servers, own) in [(servers(), OwnLines::default()), (Vec::new(), own.clone())] {
            let state = State::new(1, servers, settings.clone()).unwrap();
            let text = render_with(&state, &own);
            let file = temp.path().join("haproxy.cfg");
            fs::write(&file, &text).unwrap();
            let output = Command::new("haproxy").arg("-c").arg("-f").arg(&file).output();
            let output = output.expect("haproxy is missing: apt-get install haproxy");
            let said = String::from_utf8_lossy(&output.stderr);
            // A name that nobody knows is a reason to warn, and to start all the same.
            let warnings: Vec<&str> = said
                .lines()
                .filter(|line| {
                    (line.contains("[WARNING]") || line.contains("[ALERT]")) && !line.contains(".invalid")
                })
                .collect();
            assert!(output.status.success() && warnings.is_empty(), "{said}\n{text}");
        }
    }
}
