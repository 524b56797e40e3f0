//! What an administrator decides about one way out, as plain data without its secrets.

use serde::{Deserialize, Serialize};

/// Times are in milliseconds. What is not given has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `http://` or `https://`, host, port, and a path that all calls begin with.
    pub base_url: String,
    #[serde(default)]
    pub tls: Tls,
    #[serde(default)]
    pub auth: Auth,
    #[serde(default)]
    pub timeouts: Timeouts,
    #[serde(default)]
    pub pool: Pool,
    #[serde(default)]
    pub retries: Retries,
    /// `None`: calls go out however many failed.
    #[serde(default = "BreakerSettings::standard")]
    pub breaker: Option<BreakerSettings>,
    #[serde(default)]
    pub limits: Limits,
    /// Addresses and networks beside the public ones that may be connected to.
    #[serde(default)]
    pub allow: Vec<String>,
    #[serde(default)]
    pub redirects: Redirects,
    #[serde(default)]
    pub bodies: Bodies,
    #[serde(default)]
    pub ping: PingSettings,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Who may vouch for the other side, PEM. `None`: whom the machine trusts.
    pub ca: Option<String>,
    /// What is shown to the other side, with what leads to its authority, PEM. Its key is a secret.
    pub client_certificate: Option<String>,
    /// Whom the other side's certificate must name; `None`: the host of the base URL.
    pub server_name: Option<String>,
}

/// What a call shows of itself. It is shown to the base URL's origin alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Auth {
    None {},
    Basic {
        username: String,
    },
    /// In a header of its own.
    ApiKey {
        header: String,
    },
    Bearer {},
    /// OAuth 2.0, RFC 6749 section 4.4.
    ClientCredentials {
        token_url: String,
        client_id: String,
        #[serde(default)]
        scope: Option<String>,
        #[serde(default)]
        audience: Option<String>,
        /// Client and secret go in the form instead of the header `Authorization`.
        #[serde(default)]
        in_body: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// Resolving the name, TCP and TLS together.
    pub connect_ms: u64,
    /// From the request, or the last of its body that could be sent, to the head of the reply.
    pub first_byte_ms: u64,
    /// All of a call: waiting, attempts, redirects, and the reply to its end.
    pub total_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pool {
    /// Connections that are kept for later calls. Those in use are bounded by `limits.concurrent`.
    pub idle_max: u32,
    pub idle_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retries {
    /// Attempts after the first one.
    pub max: u32,
    /// The longest first pause; each after that is at most twice as long.
    pub pause_ms: u64,
    pub pause_max_ms: u64,
    /// Replies that are tried again; a `Retry-After` that they carry is waited for, if there is the time.
    pub statuses: Vec<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerSettings {
    /// It opens when so many calls failed within the window,
    pub failures: u32,
    /// and so large a share of them.
    pub percent: u32,
    pub window_ms: u64,
    pub open_ms: u64,
    /// After each probe that failed it is open for twice as long, up to this, or to `open_ms` if that is longer.
    pub open_max_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Calls under way, to the end of their replies.
    pub concurrent: u32,
    /// Calls and retries that begin in a second; `None`: as many as there are.
    pub per_second: Option<u32>,
    /// Of them, how many may begin at once after a pause; `None`: as many as per second.
    pub burst: Option<u32>,
    /// How long a call that is over a limit waits before it is refused.
    pub wait_ms: u64,
    /// Calls that wait.
    pub waiting: u32,
}

/// What becomes of a reply that points elsewhere. Credentials, and the client certificate, never go to another
/// origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Redirects {
    /// It is the reply.
    None {},
    SameOrigin {
        max: u32,
    },
    /// To the same origin and to these hosts at any port, but not from https to http.
    Hosts {
        max: u32,
        hosts: Vec<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bodies {
    pub request_bytes_max: u64,
    /// Of a reply, decoded.
    pub reply_bytes_max: u64,
    pub reply_head_bytes_max: u32,
    /// Asks for gzip and decodes it.
    pub gzip: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PingSettings {
    pub method: PingMethod,
    pub path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PingMethod {
    Head,
    Get,
}

impl Settings {
    /// With defaults for all else.
    pub fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            tls: Tls::default(),
            auth: Auth::default(),
            timeouts: Timeouts::default(),
            pool: Pool::default(),
            retries: Retries::default(),
            breaker: BreakerSettings::standard(),
            limits: Limits::default(),
            allow: Vec::new(),
            redirects: Redirects::default(),
            bodies: Bodies::default(),
            ping: PingSettings::default(),
        }
    }
}

impl Auth {
    /// Whether there is a secret to it.
    pub fn asks(&self) -> bool {
        !matches!(self, Self::None {})
    }

    /// Whether a secret can be shown in this way. What is refused is not repeated.
    pub fn fits(&self, secret: &str) -> Result<(), String> {
        let unfit = |allowed: &str| Err(format!("can't be sent: {allowed}"));
        match self {
            Self::None {} | Self::Basic { .. } | Self::ClientCredentials { .. } => Ok(()),
            Self::ApiKey { .. } if secret.bytes().all(|byte| matches!(byte, b' '..=b'~')) => Ok(()),
            Self::ApiKey { .. } => unfit("printable characters of ASCII are needed"),
            Self::Bearer {} if secret.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(()),
            Self::Bearer {} => unfit("visible characters of ASCII without spaces are needed"),
        }
    }
}

// Braces, since without them serde lets a member pass that is not known.
impl Default for Auth {
    fn default() -> Self {
        Self::None {}
    }
}

impl Default for Redirects {
    fn default() -> Self {
        Self::None {}
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms: 5_000, first_byte_ms: 30_000, total_ms: 60_000 }
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self { idle_max: 16, idle_ms: 30_000 }
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self { max: 2, pause_ms: 100, pause_max_ms: 5_000, statuses: vec![429, 502, 503, 504] }
    }
}

impl BreakerSettings {
    /// What a connection has that says nothing of it.
    pub fn standard() -> Option<Self> {
        Some(Self::default())
    }
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, percent: 50, window_ms: 10_000, open_ms: 5_000, open_max_ms: 60_000 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrent: 64, per_second: None, burst: None, wait_ms: 0, waiting: 256 }
    }
}

impl Default for Bodies {
    fn default() -> Self {
        Self {
            request_bytes_max: 16 * 1024 * 1024,
            reply_bytes_max: 16 * 1024 * 1024,
            reply_head_bytes_max: 64 * 1024,
            gzip: true,
        }
    }
}

impl Default for PingSettings {
    fn default() -> Self {
        Self { method: PingMethod::Head, path: "/".to_owned() }
    }
}
