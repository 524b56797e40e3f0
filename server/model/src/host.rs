//! The `Host` of a request (RFC 9110, section 7.2).

/// Whether a `Host` value names this machine: `localhost`, `127.0.0.1` or `[::1]`, with any port.
pub fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => {
            rest.split_once(']').map_or("", |(address, port)| if is_port(port) { address } else { "" })
        }
        None => match host.split_once(':') {
            Some((name, port)) if is_port(&format!(":{port}")) => name,
            Some(_) => "",
            None => host,
        },
    };
    let bracketed = host.starts_with('[');
    (bracketed && name == "::1")
        || (!bracketed && (name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1"))
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|digits| digits.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn names_of_this_machine_with_any_port() {
        for good in ["localhost", "LocalHost:80", "127.0.0.1:11223", "[::1]", "[::1]:8183"] {
            assert!(is_local(good), "{good}");
        }
        for bad in [
            "",
            "example.org",
            "localhost.example.org",
            "127.0.0.2",
            "::1",
            "[::1",
            "[::2]",
            "localhost:x",
            "127.0.0.1.nip.io:80",
            "[::1]x",
        ] {
            assert!(!is_local(bad), "{bad}");
        }
    }
}
