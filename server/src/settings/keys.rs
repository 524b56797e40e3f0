//! Every key that can be set, and what it takes: a wrong one is told with what is allowed.

use std::net::SocketAddr;

use busbar_model::{bounds, near::nearest};
use toml::{Table, Value};

/// A socket's address has room for 107 (unix(7)).
const SOCKET_PATH_BYTES_MAX: usize = 80;

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Address,
    /// A text that is not empty.
    Text,
    OdbUrl,
    AmqpUrl,
    HttpUrl,
    /// A name of the bus.
    Name,
    /// Where others reach a socket: a host and a port.
    Reached,
    /// The path of a Unix socket.
    Socket,
    /// Where a balancer listens.
    FrontEnd,
    Word(&'static [&'static str]),
    LogLevel,
    Whole {
        least: u64,
        most: u64,
    },
    /// 0, which leaves it to the bus, or a number within bounds.
    WholeOrNone {
        least: u64,
        most: u64,
    },
}

/// One key of `busbar.toml`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

impl Key {
    /// `section.key`.
    pub(super) fn path(self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    pub(super) fn variable(self) -> String {
        format!("BUSBAR_{}_{}", self.section, self.name).to_ascii_uppercase()
    }
}

const fn key(section: &'static str, name: &'static str, kind: Kind) -> Key {
    Key { section, name, kind }
}

const fn whole(least: u64, most: u64) -> Kind {
    Kind::Whole { least, most }
}

const HOUR_MS: u64 = 3_600_000;
const YEAR_S: u64 = 366 * 24 * 3_600;
const MIB: u64 = 1024 * 1024;

pub(super) const KEYS: &[Key] = &[
    key("server", "name", Kind::Name),
    key("server", "address", Kind::Reached),
    key("odb", "url", Kind::OdbUrl),
    key("odb", "stale_limit_s", whole(0, YEAR_S)),
    key("amqp", "url", Kind::AmqpUrl),
    key("http", "listen", Kind::Address),
    key("http", "socket", Kind::Socket),
    key("http", "socket_user", Kind::Text),
    key("http", "drain_ms", whole(0, HOUR_MS)),
    key("http", "drain_idle_ms", whole(0, HOUR_MS)),
    key("http", "header_timeout_ms", whole(100, HOUR_MS)),
    key("http", "idle_timeout_ms", whole(100, 24 * HOUR_MS)),
    key("http", "body_idle_timeout_ms", whole(100, HOUR_MS)),
    key("http", "write_idle_timeout_ms", whole(100, HOUR_MS)),
    key("http", "transfer_bytes_per_s_min", whole(0, 1024 * MIB)),
    key("http", "connections_max", whole(1, bounds::CONNECTIONS_CEILING as u64)),
    key("ops", "listen", Kind::Address),
    key("admin", "listen", Kind::Address),
    key("admin", "url", Kind::HttpUrl),
    key("admin", "token", Kind::Text),
    key("admin", "certificates", Kind::Word(super::Certificates::WORDS)),
    key("balancer", "listen", Kind::FrontEnd),
    key("balancer", "tls_listen", Kind::FrontEnd),
    key("balancer", "tls_certificate", Kind::Text),
    key("balancer", "tls_client_ca", Kind::Text),
    key("balancer", "hop_ca", Kind::Text),
    key("balancer", "hop_certificate", Kind::Text),
    key("balancer", "haproxy", Kind::Text),
    key("workers", "count", whole(0, super::WORKERS_MAX as u64)),
    key("workers", "memory_bytes_max", whole(64 * MIB, 1024 * 1024 * MIB)),
    key("secrets", "master_key_file", Kind::Text),
    key("log", "dir", Kind::Text),
    key("log", "level", Kind::LogLevel),
    key("deliveries", "confirmed_kept_s", whole(0, 100 * YEAR_S)),
    key("deliveries", "given_up_kept_s", whole(0, 100 * YEAR_S)),
    key("compile", "timeout_s", whole(1, 3_600)),
    key("deploy", "unprepared", Kind::Word(super::Unprepared::WORDS)),
    key("deploy", "patience_s", whole(1, 24 * 3_600)),
    // Less memory compiles nothing.
    key("compile", "memory_mib", Kind::WholeOrNone { least: 256, most: 1024 * 1024 }),
];

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// Whether they are built in, and what follows, the store tells.
const ODB_SERVERS: [&str; 4] = ["postgres://", "postgresql://", "mysql://", "mariadb://"];

impl Kind {
    fn allowed(self) -> String {
        match self {
            Self::Address => "an IP address and a port, such as \"127.0.0.1:8080\"".to_owned(),
            Self::Text => "a text that is not empty".to_owned(),
            Self::OdbUrl => "\"sqlite:PATH\", \"postgres://USER:PASSWORD@HOST/DATABASE\" or the same with \
                 mysql or mariadb"
                .to_owned(),
            Self::AmqpUrl => "\"amqp://USER:PASSWORD@HOST:PORT/VHOST\", or amqps for TLS".to_owned(),
            Self::Name => "letters, digits, \".\", \"-\" and \"_\", beginning with a letter".to_owned(),
            Self::Reached => {
                "a host and a port, such as \"bus1.example.org:17010\", or the absolute path of a socket"
                    .to_owned()
            }
            Self::Socket => {
                format!(
                    "an absolute path of {SOCKET_PATH_BYTES_MAX} bytes at most, without spaces and quotes"
                )
            }
            Self::FrontEnd => {
                "an address and a port, such as \"*:11223\", or the absolute path of a socket".to_owned()
            }
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::HttpUrl => "an address that begins with http:// or https://".to_owned(),
            Self::LogLevel => format!("{}, or `target=level` pairs with commas", LEVELS.join(", ")),
            Self::Whole { least, most } => format!("a whole number from {least} to {most}"),
            Self::WholeOrNone { least, most } => format!("0 or a whole number from {least} to {most}"),
        }
    }

    /// A text of the environment as what the file would hold.
    pub(super) fn read(self, text: &str) -> Value {
        match (self, text.trim().parse()) {
            (Self::Whole { .. } | Self::WholeOrNone { .. }, Ok(number)) => Value::Integer(number),
            _ => Value::String(text.to_owned()),
        }
    }

    fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Whole { least, most }, Value::Integer(number)) => {
                u64::try_from(*number).is_ok_and(|number| (least..=most).contains(&number))
            }
            (Self::WholeOrNone { least, most }, Value::Integer(number)) => {
                u64::try_from(*number).is_ok_and(|number| number == 0 || (least..=most).contains(&number))
            }
            (Self::Address, Value::String(text)) => text.parse::<SocketAddr>().is_ok(),
            (Self::Text, Value::String(text)) => !text.trim().is_empty(),
            (Self::OdbUrl, Value::String(text)) => {
                let path = text.strip_prefix("sqlite:");
                path.is_some_and(|path| !matches!(path.trim_start_matches("//"), "" | ":memory:"))
                    || ODB_SERVERS.iter().any(|scheme| text.starts_with(scheme))
            }
            (Self::HttpUrl, Value::String(text)) => {
                let uri = text.parse::<http::Uri>().ok();
                uri.is_some_and(|uri| {
                    matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
                })
            }
            (Self::AmqpUrl, Value::String(text)) => {
                let address = busbar_model::connection::amqp::parse_url(text);
                address.is_ok_and(|address| address.username.is_some() && address.password.is_some())
            }
            (Self::Name, Value::String(text)) => text.parse::<busbar_model::Name>().is_ok(),
            (Self::Reached, Value::String(text)) => is_reached(text) || is_socket(text),
            (Self::Socket, Value::String(text)) => is_socket(text),
            (Self::FrontEnd, Value::String(text)) => busbar_lb_config::ListenAddress::new(text).is_ok(),
            (Self::Word(words), Value::String(text)) => words.contains(&text.as_str()),
            (Self::LogLevel, Value::String(text)) => is_level(text),
            _ => false,
        }
    }

    /// Why a value can't be taken; `secret`, without the value.
    fn refusal(self, value: &Value, secret: bool) -> Option<String> {
        if self.takes(value) {
            return None;
        }
        let shown = if secret { "the value".to_owned() } else { shown(value) };
        Some(format!("{shown} is not allowed; allowed is {}", self.allowed()))
    }
}

/// Short enough that what it is made as has room, too.
fn is_socket(text: &str) -> bool {
    text.len() <= SOCKET_PATH_BYTES_MAX && busbar_lb_config::SocketPath::new(text).is_ok()
}

fn is_reached(text: &str) -> bool {
    let authority = text.parse::<http::uri::Authority>().ok();
    authority
        .is_some_and(|authority| authority.port_u16().is_some_and(|port| port > 0) && !text.contains('@'))
}

fn is_level(text: &str) -> bool {
    text.split(',').all(|part| {
        let (target, level) =
            part.split_once('=').map_or((None, part), |(target, level)| (Some(target), level));
        target.is_none_or(|target| !target.trim().is_empty())
            && LEVELS.contains(&level.trim().to_ascii_lowercase().as_str())
    })
}

/// A value as its author wrote it, more or less.
fn shown(value: &Value) -> String {
    const CHARS_MAX: usize = 100;
    let text = value.to_string();
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Why the value of a key can't be taken.
pub(super) fn refusal(key: Key, value: &Value) -> Option<String> {
    if value.as_str().is_some_and(busbar_history::holds_placeholder) {
        let text =
            "the value has `hidden-…` in it, which stands for a secret in the config history; allowed is";
        return Some(format!("{text} the secret itself"));
    }
    // The URL may have a password in it.
    key.kind.refusal(value, key.name == "token" || matches!(key.kind, Kind::OdbUrl | Kind::AmqpUrl))
}

/// Everything that is wrong with a file: where (section and key), and why.
pub(super) fn mistakes(table: &Table) -> Vec<(String, Option<String>, String)> {
    let mut found = Vec::new();
    for (section, of_section) in table {
        let keys: Vec<Key> = KEYS.iter().copied().filter(|key| key.section == section).collect();
        let Value::Table(of_section) = of_section else {
            let text = match keys.is_empty() {
                true => unknown_section(section),
                false => format!("{section} is no key but a section: write [{section}] and its keys below"),
            };
            found.push((section.clone(), None, text));
            continue;
        };
        if keys.is_empty() {
            found.push((section.clone(), None, unknown_section(section)));
            continue;
        }
        for (name, value) in of_section {
            let text = match keys.iter().find(|key| key.name == name) {
                Some(key) => refusal(*key, value).map(|text| format!("{}: {text}", key.path())),
                None => Some(unknown_key(section, name, &keys)),
            };
            found.extend(text.map(|text| (section.clone(), Some(name.clone()), text)));
        }
    }
    found
}

fn unknown_section(section: &str) -> String {
    let mut sections: Vec<&str> = KEYS.iter().map(|key| key.section).collect();
    sections.dedup();
    let meant = nearest(section, sections.iter().copied());
    format!("section [{section}] is unknown;{} the sections are {}", meaning(meant), sections.join(", "))
}

fn unknown_key(section: &str, name: &str, keys: &[Key]) -> String {
    let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
    let meant = nearest(name, names.iter().copied());
    // It may stand in the wrong section.
    let elsewhere = KEYS.iter().find(|key| key.name == name).map(|key| key.path());
    let hint = meaning(meant.or(elsewhere.as_deref()));
    format!("{section}.{name} is unknown;{hint} the keys of [{section}] are {}", names.join(", "))
}

fn meaning(meant: Option<&str>) -> String {
    meant.map(|meant| format!(" did you mean {meant}?")).unwrap_or_default()
}

/// The key that a variable of the environment sets.
pub(super) fn of_variable(name: &str, others: &[&str]) -> Result<Key, String> {
    let known: Vec<String> = KEYS.iter().map(|key| key.variable()).collect();
    match KEYS.iter().zip(&known).find(|(_, variable)| *variable == name) {
        Some((key, _)) => Ok(*key),
        None => {
            let names = known.iter().map(String::as_str).chain(others.iter().copied());
            let hint = meaning(nearest(name, names));
            Err(format!(
                "it is no setting;{hint} a variable is BUSBAR_SECTION_KEY of a key in docs/settings.md"
            ))
        }
    }
}
