//! What the API is made from.

use std::{error, path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use busbar_model::{
    Connection,
    connection::{Http, soap::Documents},
};
use busbar_pki::Acceptor;
use busbar_store::{MasterKey, Odb, Plaintext};
use zeroize::Zeroizing;

/// Makes a password's argon2id hash in PHC string form. It may block.
pub type HashPassword =
    Arc<dyn Fn(&str) -> Result<String, Box<dyn error::Error + Send + Sync>> + Send + Sync>;

/// Whether a password, the second one, is that of a hash. It may block.
pub type PasswordFits = Arc<dyn Fn(&str, &str) -> bool + Send + Sync>;

/// How long it took until the system of a connection let this process in, or for a person why it did not.
pub type Pinged = Pin<Box<dyn Future<Output = Result<Duration, String>> + Send>>;

/// Tries a connection from this process.
pub type Ping = Arc<dyn Fn(Connection) -> Pinged + Send + Sync>;

/// Fetches a WSDL, and what it imports, from `url`. To the origin of that URL alone it shows the credentials.
#[derive(Clone)]
pub struct FetchWsdl {
    pub url: String,
    /// How: with its TLS, credentials and allow-list.
    pub http: Http<Plaintext>,
}

/// The documents, or for a person why there are none.
pub type Fetched = Pin<Box<dyn Future<Output = Result<Documents, String>> + Send>>;

pub type Wsdl = Arc<dyn Fn(FetchWsdl) -> Fetched + Send + Sync>;

/// Whom a question is for: the server of a name, whichever is first, or every one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    One(String),
    Any,
    All,
}

/// What one server said.
#[derive(Clone, Debug)]
pub struct Heard {
    /// `SERVER/PROCESS`.
    pub from: String,
    /// It heard the question and has not answered it: how many of how many of its workers did.
    pub progress: Option<(u64, u64)>,
    pub body: serde_json::Value,
}

/// What came of a question.
#[derive(Clone, Debug)]
pub struct Asked {
    /// In words, how the connection to the broker is.
    pub broker: String,
    pub answers: Vec<Heard>,
}

/// Asks servers how they are, past the ODB.
pub type AskServers = Arc<dyn Fn(Whom) -> Pin<Box<dyn Future<Output = Asked> + Send>> + Send + Sync>;

/// What servers and admin processes of a cluster have in common, for those who join.
#[derive(Clone)]
pub struct Handed {
    pub odb_url: String,
    pub amqp_url: Option<String>,
    pub master_key: Zeroizing<Vec<u8>>,
}

/// TLS with certificates of the cluster.
#[derive(Clone)]
pub struct Tls {
    /// It lets in members of any role, and who shows no certificate.
    pub acceptor: Arc<Acceptor>,
    /// Who shows none may do nothing but join.
    pub required: bool,
}

#[derive(Clone)]
pub struct Settings {
    pub odb: Odb,
    /// Seals secrets.
    pub master_key: Arc<MasterKey>,
    /// What callers present as `Authorization: Bearer TOKEN`; not empty.
    pub token: String,
    /// On loopback only: callers must mean this machine by `Host`, and keep their correlation ids.
    pub development: bool,
    /// Called after each committed write, to say that the ODB has something new.
    pub hint: Arc<dyn Fn() + Send + Sync>,
    /// Unix socket of the server's ops HTTP, which has the `/metrics` that is shown here too.
    pub metrics: Option<PathBuf>,
    pub hash_password: HashPassword,
    pub password_fits: PasswordFits,
    pub ping: Ping,
    pub wsdl: Wsdl,
    /// Where there is a broker to ask by.
    pub ask: Option<AskServers>,
    /// Where this process is reached: `https://HOST:PORT`, for those who join.
    pub urls: Vec<String>,
    pub handed: Handed,
    /// In the clear without.
    pub tls: Option<Tls>,
    /// Of the binary.
    pub version: &'static str,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("development", &self.development)
            .field("metrics", &self.metrics)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
