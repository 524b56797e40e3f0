//! States of all kinds, for properties.

use busbar_lb_config::{
    Address, Algorithm, BindSettings, BindTls, Bounded, FilePath, Hop, HopTls, ListenAddress, Name, Server,
    Settings, State, Wanted,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

pub(crate) fn path(text: &str) -> FilePath {
    FilePath::new(text).unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn server(text: &str, address: &str) -> Server {
    Server::new(name(text), Address::new(address).unwrap())
}

/// Two servers, all else by default.
pub(crate) fn two() -> State {
    State::new(7, vec![server("a", "10.0.0.1:17010"), server("b", "10.0.0.2:17010")], Settings::default())
        .unwrap()
}

pub(crate) fn with(change: impl FnOnce(&mut Vec<Server>, &mut Settings)) -> State {
    let state = two();
    let (mut servers, mut settings) = (state.servers().to_vec(), state.settings().clone());
    change(&mut servers, &mut settings);
    State::new(8, servers, settings).unwrap()
}

pub(crate) fn tls_hop() -> Hop {
    Hop {
        tls: Some(HopTls { ca: path("/etc/busbar/ca.pem"), certificate: path("/etc/busbar/balancer.pem") }),
    }
}

fn servers() -> impl Strategy<Value = Vec<Server>> {
    let wanted = select(vec![Wanted::Ready, Wanted::Drain, Wanted::Maintenance]);
    let kind = 0..4_u8;
    vec((kind, 0..=256_u64, wanted), 0..8).prop_map(|drafts| {
        let numbered = drafts.into_iter().enumerate();
        numbered
            .map(|(number, (kind, weight, wanted))| {
                let address = match kind {
                    0 => format!("10.0.0.{}:17010", number + 1),
                    1 => format!("[2001:db8::{}]:17010", number + 1),
                    2 => format!("b{number}.example.org:17010"),
                    _ => format!("/run/busbar/{number}.sock"),
                };
                let mut server = server(&format!("s{number}"), &address);
                server.weight = Bounded::try_from(weight).unwrap();
                server.wanted = wanted;
                server
            })
            .collect()
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    let algorithms = vec![
        Algorithm::Roundrobin,
        Algorithm::Leastconn,
        Algorithm::First,
        Algorithm::Random,
        Algorithm::Source,
    ];
    let tls = option::of((any::<bool>(), any::<bool>()));
    (select(algorithms), tls, any::<bool>(), 0..=10_u64, 1..=3_600_000_u64, option::of(1..=64_u64)).prop_map(
        |(algorithm, tls, hop, retries, connect, threads)| {
            let mut settings = Settings { algorithm, ..Settings::default() };
            settings.front_end.extend(tls.map(|(http2, clients)| BindSettings {
                address: ListenAddress::new("[::]:8443").unwrap(),
                tls: Some(BindTls {
                    certificate: path("/etc/busbar/site.pem"),
                    client_ca: clients.then(|| path("/etc/busbar/clients.pem")),
                    http2,
                }),
            }));
            if hop {
                settings.hop = tls_hop();
            }
            settings.retries = Bounded::try_from(retries).unwrap();
            settings.timeouts.connect_ms = Bounded::try_from(connect).unwrap();
            settings.threads = threads.map(|threads| Bounded::try_from(threads).unwrap());
            settings
        },
    )
}

pub(crate) fn states() -> impl Strategy<Value = State> {
    (any::<i64>(), servers(), settings())
        .prop_map(|(version, servers, settings)| State::new(version, servers, settings).unwrap())
}
