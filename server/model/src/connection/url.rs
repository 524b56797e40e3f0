//! `amqp(s)://user:password@host:port/vhost`, taken apart.

use percent_encoding::percent_decode_str;

use super::amqp;

/// What a URL says; what it leaves out is `None`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub tls: bool,
    pub host: String,
    pub port: Option<u16>,
    /// No vhost and an empty one are the broker's own, `/`.
    pub vhost: Option<String>,
    pub username: Option<String>,
    pub password: Option<String>,
}

/// What is refused is not repeated: it may be the password.
pub fn parse(text: &str) -> Result<Address, String> {
    let form = || "is not like \"amqp://user:password@host:port/vhost\"".to_owned();
    let (scheme, rest) = text.split_once("://").ok_or_else(form)?;
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "amqp" => false,
        "amqps" => true,
        _ => return Err("has another scheme than amqp and amqps".to_owned()),
    };
    if rest.contains(['?', '#']) {
        return Err("has parameters; heartbeat_s, tls and the others are members of their own".to_owned());
    }
    let (authority, vhost) = match rest.split_once('/') {
        Some((authority, vhost)) => (authority, Some(vhost)),
        None => (rest, None),
    };
    if vhost.is_some_and(|vhost| vhost.contains('@')) {
        return Err("has an '@' behind its host: in name and password '/' is %2F and '@' is %40".to_owned());
    }
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    let (username, password) = match user.map(|user| user.split_once(':').unwrap_or((user, ""))) {
        None => (None, None),
        Some((username, password)) => (given(username, form)?, given(password, form)?),
    };
    let (host, port) = host_and_port(place).ok_or_else(form)?;
    let vhost = vhost.map(|vhost| given(vhost, form)).transpose()?.flatten();
    Ok(Address { tls, host: amqp::host(host.to_owned())?, port, vhost, username, password })
}

/// A part that is not empty, percent-decoded.
fn given(part: &str, form: impl Fn() -> String) -> Result<Option<String>, String> {
    let text = percent_decode_str(part).decode_utf8().map_err(|_| form())?;
    Ok((!text.is_empty()).then(|| text.into_owned()))
}

fn host_and_port(place: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        None | Some("") => None,
        Some(port) => Some(port.parse::<u16>().ok().filter(|port| *port != 0)?),
    };
    Some((host, port))
}

#[cfg(test)]
mod tests {
    use super::{Address, parse};

    #[test]
    fn a_url_is_taken_apart() {
        let plain = Address {
            tls: false,
            host: "mq".to_owned(),
            port: None,
            vhost: None,
            username: None,
            password: None,
        };
        assert!(parse("amqp://mq").unwrap() == plain);
        assert!(parse("amqp://mq/").unwrap() == plain, "no vhost is the broker's own");
        let user = |tls, host: &str, port, vhost: &str, username: &str, password: &str| Address {
            tls,
            host: host.to_owned(),
            port,
            vhost: Some(vhost.to_owned()),
            username: Some(username.to_owned()),
            password: Some(password.to_owned()),
        };
        let full = parse("AMQPS://ada:p%40ss:w%2Frd@mq.example.com:5673/orders%2Feu").unwrap();
        assert!(full == user(true, "mq.example.com", Some(5673), "orders/eu", "ada", "p@ss:w/rd"));
        let odd = parse("amqp://ada:p@ss@[::1]:1/%2f").unwrap();
        assert!(odd == user(false, "::1", Some(1), "/", "ada", "p@ss"));
    }

    #[test]
    fn what_is_refused_is_not_repeated() {
        for bad in [
            "",
            "mq",
            "http://u:hush@mq",
            "amqp://u:hush@",
            "amqp://u:hush@mq:x",
            "amqp://u:hush@mq:0",
            "amqp://u:hush@mq:65536",
            "amqp://u:hush@[::1",
            "amqp://u:hush%ff@mq",
            "amqp://u:hush@mq/v?heartbeat=5",
            "amqp://u:1/hush@mq",
        ] {
            let Err(error) = parse(bad) else { panic!("{bad:?} was taken") };
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
