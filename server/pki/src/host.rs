//! Where a member is reached: the names by which browsers, HAProxy and others check a certificate.

use std::{fmt, net::IpAddr, str::FromStr};

use rcgen::SanType;

use crate::{Cluster, Error, Name, Role, name::is_label};

/// Reserved for names that say a role; nobody is given a host under it.
const OWN_DOMAIN: &str = "busbar.internal";
const DNS_BYTES_MAX: usize = 253;

/// A DNS name or an address. Wildcards are refused: a member is one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// In lower case, without a dot at the end.
    Dns(String),
    Ip(IpAddr),
}

/// `NAME.ROLE.CLUSTER.busbar.internal`: stands in the certificates of roles that serve, so that a client which can
/// check only DNS names (HAProxy's `verifyhost`) checks name, role and cluster by one. It needs no DNS.
pub fn role_host(cluster: &Cluster, role: Role, name: &Name) -> String {
    format!("{name}.{role}.{cluster}.{OWN_DOMAIN}")
}

impl Host {
    pub(crate) fn san(&self) -> Result<SanType, Error> {
        match self {
            Self::Ip(address) => Ok(SanType::IpAddress(*address)),
            Self::Dns(name) => Ok(SanType::DnsName(name.as_str().try_into().map_err(Error::Sign)?)),
        }
    }
}

impl FromStr for Host {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(Self::Ip(address));
        }
        let refuse = |why| Error::Host { text: text.to_owned(), why };
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if name.len() > DNS_BYTES_MAX || !name.split('.').all(is_label) {
            return Err(refuse("it is neither an address nor a DNS name without wildcards"));
        }
        // What ends like an address is one that is wrong (WHATWG URL, "ends in a number").
        if name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(refuse("it looks like an address, and is none"));
        }
        if name == OWN_DOMAIN || name.strip_suffix(OWN_DOMAIN).is_some_and(|rest| rest.ends_with('.')) {
            return Err(refuse("names under busbar.internal say roles, and are not for hosts"));
        }
        Ok(Self::Dns(name))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => write!(f, "{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_addresses_or_names() {
        for (text, host) in [
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
            ("[fe80::1]", "fe80::1"),
            ("Web-1.Example.COM.", "web-1.example.com"),
            ("localhost", "localhost"),
            ("notbusbar.internal", "notbusbar.internal"),
        ] {
            assert_eq!(text.parse::<Host>().unwrap().to_string(), host);
        }
        for bad in ["", ".", "*.example.com", "a b", "a_b", "300.1.1.1", "1.2.3", "http://a", "a:1", "[a]"] {
            assert!(bad.parse::<Host>().is_err(), "{bad}");
        }
    }

    #[test]
    fn nobody_is_a_host_of_the_domain_that_says_roles() {
        for bad in ["busbar.internal", "a.admin.prod.busbar.internal", "A.Admin.prod.BUSBAR.internal."] {
            let error = bad.parse::<Host>().unwrap_err().to_string();
            assert!(error.contains("say roles"), "{error}");
        }
    }
}
