//! Which addresses may be connected to. Asked about the very address that a socket is then opened to, after names
//! were resolved: what a name resolves to later makes no difference.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::{bounds::HTTP_ALLOWED_MAX, connection::Invalid};

/// Public addresses, and of all others those that are listed.
#[derive(Clone, Debug, Default)]
pub struct AllowList {
    nets: Vec<IpNet>,
}

const ALLOWED: &str = "an address or a network such as 10.1.0.0/16 is needed";

/// A network of IPv6 that is larger than one form of IPv4 addresses (2002::/16) is not meant to list them: `::/0` does not
/// allow what `::ffff:127.0.0.1` leads to.
const FORM_LENGTH_MIN: u8 = 16;

/// Networks of IPv4 that are not the public internet (RFC 6890 and what was registered since).
const SPECIAL_V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

impl AllowList {
    /// From addresses and networks, each a text such as `10.1.0.0/16`, `192.168.3.7` or `fd00::/8`.
    pub fn parse(texts: &[String]) -> Result<Self, Invalid> {
        if texts.len() > HTTP_ALLOWED_MAX {
            let value = format!("{} networks long", texts.len());
            return Err(Invalid::new("allow", value, "at most 256 are allowed"));
        }
        let nets = texts.iter().enumerate().map(|(place, text)| {
            let address = || text.parse::<IpAddr>().map(IpNet::from);
            let net = text.parse::<IpNet>().or_else(|_| address());
            net.map_err(|_| Invalid::new(format!("allow[{place}]"), format!("{text:?}"), ALLOWED))
        });
        Ok(Self { nets: nets.collect::<Result<_, _>>()? })
    }

    pub fn permits(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(inner) => is_public_v4(inner) || self.lists(address, 0),
            // Whoever carries an IPv4 address on gets to that, so that one is judged.
            IpAddr::V6(outer) => match embedded(outer) {
                Some(inner) => self.permits(IpAddr::V4(inner)) || self.lists(address, FORM_LENGTH_MIN),
                None => is_public_v6(outer) || self.lists(address, 0),
            },
        }
    }

    /// By a network whose prefix has at least that length.
    fn lists(&self, address: IpAddr, length_min: u8) -> bool {
        self.nets.iter().any(|net| net.prefix_len() >= length_min && net.contains(&address))
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|(net, length)| {
        let mask = u32::MAX << (32 - u32::from(*length));
        address.to_bits() & mask == net.to_bits() & mask
    })
}

/// Only 2000::/3 is given out, and of it Teredo, benchmarking, documentation and what else is below 2001:200:: leads
/// elsewhere or nowhere.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_protocol = first == 0x2001 && second < 0x0200;
    let is_documentation = (first, second) == (0x2001, 0x0db8) || (first == 0x3fff && second < 0x1000);
    first & 0xe000 == 0x2000 && !is_protocol && !is_documentation
}

/// The IPv4 address that one of IPv6 stands for: mapped, compatible, 6to4, or NAT64 with its well-known prefix.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let inner = |high: u16, low: u16| Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, low] if low <= 1 => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => inner(high, low),
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => inner(high, low),
        [0x2002, high, low, ..] => inner(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> AllowList {
        AllowList::parse(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn permits(list: &AllowList, address: &str) -> bool {
        list.permits(address.parse().unwrap())
    }

    #[test]
    fn only_public_addresses_are_permitted_by_default() {
        let refused = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.254",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::1",
            "100::1",
            "2001:db8::1",
            "3fff::1",
            "5f00::1",
            "2001::1",
            "2001:10::1",
            "64:ff9b:1::1",
            "4000::1",
        ];
        for address in refused {
            assert!(!permits(&list(&[]), address), "{address}");
        }
        let public = [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "2001:4860:4860::8888",
            "2001:200::1",
        ];
        for address in public {
            assert!(permits(&list(&[]), address), "{address}");
        }
    }

    #[test]
    fn a_form_of_an_address_is_judged_as_that_address() {
        let forms = [
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2002:c0a8:1::1",
            "::ffff:0.0.0.0",
            "::ffff:224.0.0.1",
            "::2",
        ];
        for address in forms {
            assert!(!permits(&list(&[]), address), "{address}");
        }
        for address in ["::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1"] {
            assert!(permits(&list(&[]), address), "{address}");
        }
        assert!(permits(&list(&["10.0.0.0/8"]), "::ffff:10.0.0.1"));
        assert!(!permits(&list(&["10.0.0.0/8"]), "::ffff:127.0.0.1"));
        assert!(!permits(&list(&["::/0"]), "::ffff:127.0.0.1"));
        assert!(permits(&list(&["::/0"]), "fd00::1"));
        assert!(permits(&list(&["::ffff:127.0.0.1"]), "::ffff:127.0.0.1"));
        assert!(permits(&list(&["2002::/16"]), "2002:7f00:1::"));
    }

    #[test]
    fn what_is_listed_is_permitted_and_no_more() {
        let list = list(&["10.1.0.0/16", "127.0.0.1", "fd00::/8"]);
        for address in ["10.1.2.3", "127.0.0.1", "fd00::1", "1.1.1.1"] {
            assert!(permits(&list, address), "{address}");
        }
        for address in ["10.2.0.0", "127.0.0.2", "fc00::1", "::1"] {
            assert!(!permits(&list, address), "{address}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0", "localhost", "10.0.0.0/8 ", "::1/129", "127.1"] {
            let refused = AllowList::parse(&[text.to_owned()]).unwrap_err().to_string();
            assert_eq!(refused, format!("allow[0] is {text:?}: {ALLOWED}"));
        }
        let many = vec!["10.0.0.1".to_owned(); 257];
        assert!(AllowList::parse(&many).unwrap_err().to_string().starts_with("allow is 257 networks long"));
    }
}
