//! A keepalived (VRRP, RFC 5798) configuration: balancers on several hosts have one address, which is where HAProxy
//! answers.

use std::{
    collections::BTreeSet,
    fmt::{self, Write},
    net::IpAddr,
};

use serde::{Deserialize, Serialize};

use crate::{
    bounded::Bounded,
    text::{InvalidText, text},
};

/// One balancer's part in a group that shares addresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Draft", into = "Draft")]
pub struct Vrrp(Draft);

/// What may be said of it; `Vrrp::new` checks how it goes together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    pub instance: Word,
    pub interface: Word,
    /// The same on all balancers of a group, and of no other group on that network.
    pub router_id: Bounded<1, 255>,
    /// The highest that is well has the addresses.
    pub priority: Bounded<1, 254>,
    #[serde(default)]
    pub initial: Initial,
    pub addresses: Vec<VirtualAddress>,
    /// Where the others are, for networks without multicast; this host's own address is `source`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    pub check: Check,
    /// Three of them missed is a balancer lost.
    #[serde(default = "half_a_second")]
    pub advertise_ms: Bounded<100, 10_000>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Initial {
    Master,
    /// All may begin so: they agree by their priorities.
    #[default]
    Backup,
}

/// What tells that HAProxy answers on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// A program and its arguments, without quotes; it succeeds where HAProxy answers.
    pub command: Command,
    #[serde(default = "one")]
    pub interval_s: Bounded<1, 60>,
    #[serde(default = "one")]
    pub timeout_s: Bounded<1, 60>,
    #[serde(default = "two")]
    pub fall: Bounded<1, 20>,
    #[serde(default = "one_rise")]
    pub rise: Bounded<1, 20>,
}

text!(
    /// Of an instance or a network interface.
    Word,
    "a word",
    "1 to 15 of letters, digits, '.', '_' and '-' are allowed",
    |value| (1..=15).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
);

text!(
    /// An address with its prefix, such as `192.0.2.10/24`.
    VirtualAddress,
    "a virtual address",
    "an IPv4 or IPv6 address with its prefix, such as 192.0.2.10/24, is allowed",
    |value| value.split_once('/').is_some_and(|(address, prefix)| {
        let bits = match address.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        prefix.bytes().all(|byte| byte.is_ascii_digit()) && prefix.parse::<u8>().is_ok_and(|prefix| prefix <= bits)
    })
);

text!(
    /// A program by its absolute path, with arguments that no quoting is needed for.
    Command,
    "a command",
    "an absolute path and arguments of letters, digits and any of / . _ - + = : , @ ? & % [ ], 500 bytes at most, are allowed",
    |value| value.starts_with('/')
        && value.len() <= 500
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" /._-+=:,@?&%[]".contains(&byte))
);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    #[error("addresses is empty: 1 to 20 are allowed")]
    NoAddress,
    #[error("there are {0} addresses: 1 to 20 are allowed")]
    Addresses(usize),
    #[error("the address {0} is there twice")]
    Twice(String),
    #[error("addresses are of IPv4 and of IPv6: one group has addresses of one kind")]
    Mixed,
    #[error("source and peers go together: with one of them the other is needed")]
    Peers,
    #[error("the source {0} is among the peers: they are the other balancers only")]
    OwnPeer(IpAddr),
    #[error("source and peers are not of the addresses' kind: all IPv4 or all IPv6 is allowed")]
    PeerKind,
}

/// A host that is gone is missed after 1.5 s, and within 2 s another one has the addresses.
const fn half_a_second() -> Bounded<100, 10_000> {
    Bounded::nearest(500)
}

const fn one() -> Bounded<1, 60> {
    Bounded::nearest(1)
}

const fn two() -> Bounded<1, 20> {
    Bounded::nearest(2)
}

const fn one_rise() -> Bounded<1, 20> {
    Bounded::nearest(1)
}

impl Check {
    /// Once a second; two failures in a row take the balancer out, one success takes it in.
    pub fn new(command: Command) -> Self {
        Self { command, interval_s: one(), timeout_s: one(), fall: two(), rise: one_rise() }
    }
}

impl Vrrp {
    pub fn new(draft: Draft) -> Result<Self, Conflict> {
        match draft.addresses.len() {
            0 => return Err(Conflict::NoAddress),
            1..=20 => {}
            many => return Err(Conflict::Addresses(many)),
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = draft.addresses.iter().find(|address| !seen.insert(*address)) {
            return Err(Conflict::Twice(twice.as_str().to_owned()));
        }
        let v6 = |address: &VirtualAddress| address.as_str().contains(':');
        let of_v6 = draft.addresses.first().is_some_and(v6);
        if draft.addresses.iter().any(|address| v6(address) != of_v6) {
            return Err(Conflict::Mixed);
        }
        if draft.peers.is_empty() != draft.source.is_none() {
            return Err(Conflict::Peers);
        }
        if let Some(source) = draft.source.filter(|source| draft.peers.contains(source)) {
            return Err(Conflict::OwnPeer(source));
        }
        if draft.peers.iter().chain(&draft.source).any(|peer| peer.is_ipv6() != of_v6) {
            return Err(Conflict::PeerKind);
        }
        Ok(Self(draft))
    }

    pub fn draft(&self) -> &Draft {
        &self.0
    }
}

/// The whole file. A host that starts has no part in it before HAProxy has answered there (`init_fail`): one with the highest
/// priority would take the addresses from another that serves. It has no password: VRRP 3 has none, and the one of VRRP 2 crosses the network in the clear.
pub fn render(vrrp: &Vrrp) -> String {
    let draft = &vrrp.0;
    let instance = draft.instance.as_str();
    let check = &draft.check;
    let mut text = format!(
        "# Made by busbar. One of these per balancer, with priorities of their own.\nglobal_defs {{\n    vrrp_version 3\n    \
         enable_script_security\n    script_user root\n}}\n\nvrrp_script {instance}_haproxy {{\n    script \"{}\"\n    interval {}\n    timeout {}\n    fall \
         {}\n    rise {}\n    init_fail\n}}\n\nvrrp_instance {instance} {{\n",
        check.command.as_str(),
        check.interval_s,
        check.timeout_s,
        check.fall,
        check.rise,
    );
    let initial = if draft.initial == Initial::Master { "MASTER" } else { "BACKUP" };
    let lines = [
        format!("state {initial}"),
        format!("interface {}", draft.interface.as_str()),
        format!("virtual_router_id {}", draft.router_id),
        format!("priority {}", draft.priority),
        format!("advert_int {}", seconds(draft.advertise_ms.get())),
    ];
    for line in lines {
        let _ = writeln!(text, "    {line}");
    }
    if let Some(source) = draft.source {
        let _ = writeln!(text, "    unicast_src_ip {source}\n    unicast_peer {{");
        for peer in &draft.peers {
            let _ = writeln!(text, "        {peer}");
        }
        text += "    }\n";
    }
    text += "    virtual_ipaddress {\n";
    for address in &draft.addresses {
        let _ = writeln!(text, "        {}", address.as_str());
    }
    let _ = write!(text, "    }}\n    track_script {{\n        {instance}_haproxy\n    }}\n}}\n");
    text
}

/// VRRP 3 counts in hundredths.
fn seconds(ms: u64) -> String {
    let hundredths = ms.div_ceil(10);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

impl TryFrom<Draft> for Vrrp {
    type Error = Conflict;

    fn try_from(draft: Draft) -> Result<Self, Conflict> {
        Self::new(draft)
    }
}

impl From<Vrrp> for Draft {
    fn from(vrrp: Vrrp) -> Self {
        vrrp.0
    }
}
