//! `busbar.toml`, and its keys from the environment.
//!
//! A key `section.key` is also read from `BUSBAR_SECTION_KEY`, which wins. Unknown keys and bad values are
//! refused, all of them at once, with what is allowed.

mod http;
mod keys;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use busbar_model::bounds::{self, COMPILE_MEMORY_BYTES_MAX};
use serde::{Deserialize, Serialize};
use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue},
};

pub(crate) use self::http::Http;

#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("{path} can't be read")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is not valid: {message}")]
    Parse { path: PathBuf, message: String },
    /// One line for each.
    #[error("{}", .0.join("\n  "))]
    Mistakes(Vec<String>),
}

/// Everything that can be set.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) server: Server,
    pub(crate) odb: Odb,
    pub(crate) amqp: Amqp,
    pub(crate) http: Http,
    pub(crate) ops: Ops,
    pub(crate) admin: Admin,
    pub(crate) balancer: Balancer,
    pub(crate) workers: Workers,
    pub(crate) secrets: Secrets,
    pub(crate) log: Log,
    pub(crate) deliveries: Deliveries,
    pub(crate) compile: Compile,
    pub(crate) deploy: Deploy,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Server {
    /// What others in the cluster call it; by default the host's name.
    pub(crate) name: Option<String>,
    /// Where balancers reach it; by default its host and the port of `http.listen`.
    pub(crate) address: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Odb {
    /// `sqlite:PATH` or a server's; by default a file in the server's folder.
    pub(crate) url: Option<String>,
    /// How long a server that can't reach it goes on taking calls; 0 is for ever.
    pub(crate) stale_limit_s: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Amqp {
    /// The broker by which the servers of a cluster tell each other what is new; without one they look every two
    /// seconds.
    pub(crate) url: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Deploy {
    /// What becomes of a deployment that a server can't be prepared for.
    pub(crate) unprepared: Unprepared,
    /// How long servers that live are waited for.
    pub(crate) patience_s: u64,
}

impl Default for Deploy {
    fn default() -> Self {
        Self { unprepared: Unprepared::Fail, patience_s: 300 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unprepared {
    /// It fails, everywhere.
    Fail,
    /// It goes on without that server, which takes no more calls until it has caught up.
    LeaveOut,
}

impl Unprepared {
    pub(crate) const WORDS: &[&str] = &["fail", "leave-out"];
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Ops {
    pub(crate) listen: SocketAddr,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Admin {
    pub(crate) listen: SocketAddr,
    /// For the command line: where the admin API is.
    pub(crate) url: Option<String>,
    /// What callers must present; by default the content of `admin-token` in the server's folder.
    pub(crate) token: Option<String>,
    /// Of a cluster with an authority: whether callers must show a certificate of it.
    pub(crate) certificates: Certificates,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Certificates {
    /// All but who joins.
    #[default]
    Required,
    /// The token does as well.
    Optional,
}

impl Certificates {
    pub(crate) const WORDS: &[&str] = &["required", "optional"];
}

/// What of a balancer is of its host; all else is said once for all balancers, in the admin API.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Balancer {
    /// Where callers come in.
    pub(crate) listen: String,
    /// Where they come in by TLS, with this certificate, what leads to its authority and its key in one PEM file.
    pub(crate) tls_listen: Option<String>,
    pub(crate) tls_certificate: Option<String>,
    /// Authorities of callers' certificates, PEM.
    pub(crate) tls_client_ca: Option<String>,
    /// Authorities of the servers' certificates, PEM, and what is shown to them: without both the hop is plain.
    pub(crate) hop_ca: Option<String>,
    pub(crate) hop_certificate: Option<String>,
    /// The program.
    pub(crate) haproxy: PathBuf,
}

impl Default for Balancer {
    fn default() -> Self {
        Self {
            listen: "*:11223".to_owned(),
            tls_listen: None,
            tls_certificate: None,
            tls_client_ca: None,
            hop_ca: None,
            hop_certificate: None,
            haproxy: PathBuf::from("haproxy"),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Workers {
    /// Worker processes; 0 is one per core.
    pub(crate) count: usize,
    /// Linear memory of all instances of one worker together.
    pub(crate) memory_bytes_max: u64,
}

impl Default for Workers {
    fn default() -> Self {
        Self { count: 0, memory_bytes_max: bounds::WORKER_MEMORY_BYTES_MAX }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Secrets {
    /// By default `master-key` in the server's folder.
    pub(crate) master_key_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// By default `logs` in the server's folder.
    pub(crate) dir: Option<PathBuf>,
    /// `error`, `warn`, `info`, `debug`, `trace`, or `target=level` pairs.
    pub(crate) level: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Deliveries {
    /// How long a confirmed delivery is remembered.
    pub(crate) confirmed_kept_s: u64,
    /// How long one that was given up waits for a person.
    pub(crate) given_up_kept_s: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Compile {
    /// How long one compilation may take.
    pub(crate) timeout_s: u64,
    /// Memory of one compilation; 0 is a quarter of the machine's, 4 GiB at most.
    pub(crate) memory_mib: u64,
}

impl Default for Compile {
    fn default() -> Self {
        Self { timeout_s: 60, memory_mib: 0 }
    }
}

impl Compile {
    pub(crate) fn memory_bytes(&self) -> u64 {
        match self.memory_mib {
            0 => (machine_memory_bytes() / 4).min(COMPILE_MEMORY_BYTES_MAX),
            mib => mib.saturating_mul(1024 * 1024),
        }
    }
}

/// As the kernel tells it; where it does not, there is plenty.
fn machine_memory_bytes() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total =
        text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.strip_suffix("kB")?.trim().parse().ok());
    total.map_or(u64::MAX, |kib: u64| kib.saturating_mul(1024))
}

impl Default for Deliveries {
    fn default() -> Self {
        Self { confirmed_kept_s: 24 * 3_600, given_up_kept_s: 30 * 24 * 3_600 }
    }
}

impl Default for Ops {
    fn default() -> Self {
        Self { listen: ([127, 0, 0, 1], 17011).into() }
    }
}

impl Default for Admin {
    fn default() -> Self {
        let certificates = Certificates::default();
        Self { listen: ([127, 0, 0, 1], 8183).into(), url: None, token: None, certificates }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { dir: None, level: "info".to_owned() }
    }
}

/// Most worker processes that one server may have.
pub(crate) const WORKERS_MAX: usize = 256;

impl Workers {
    /// The number of workers to run.
    pub(crate) fn effective(&self) -> usize {
        match self.count {
            0 => std::thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX),
            count => count,
        }
    }
}

/// By which a parent tells the binary that it starts, or becomes, what is to be done (`parent/step.rs`).
pub(crate) const STEP: &str = "BUSBAR_STEP";

/// Variables that are no settings: where the command line finds a server, and what a parent tells.
const NOT_SETTINGS: [&str; 3] = ["BUSBAR_HTTP_URL", "BUSBAR_INVOKER_KEY", STEP];

/// Reads `file` if it exists and lays `environment` over it.
pub(crate) fn load(file: &Path, environment: &BTreeMap<String, OsString>) -> Result<Settings, SettingsError> {
    understand(file, &read(file)?, environment)
}

/// The text of `file`; one that is not there says nothing.
pub(crate) fn read(file: &Path) -> Result<String, SettingsError> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(SettingsError::Read { path: file.to_owned(), source }),
    }
}

/// What `text`, which stands in `file` or is to stand there, says under `environment`.
pub(crate) fn understand(
    file: &Path,
    text: &str,
    environment: &BTreeMap<String, OsString>,
) -> Result<Settings, SettingsError> {
    let parse_error = |error: &toml::de::Error| SettingsError::Parse {
        path: file.to_owned(),
        message: error.to_string().trim_end().to_owned(),
    };
    let mut table = text.parse::<Table>().map_err(|error| parse_error(&error))?;
    let spans = DeTable::parse(text).map_err(|error| parse_error(&error))?;
    let mut mistakes: Vec<String> = keys::mistakes(&table)
        .into_iter()
        .map(|(section, key, text_of)| {
            let line = line_of(text, &spans, &section, key.as_deref());
            format!("{}, line {line}: {text_of}", file.display())
        })
        .collect();
    let in_file = mistakes.is_empty();
    for (name, value) in environment {
        if !NOT_SETTINGS.contains(&name.as_str())
            && let Err(text) = overlay(&mut table, name, value, in_file)
        {
            mistakes.push(format!("environment variable {name}: {text}"));
        }
    }
    if !mistakes.is_empty() {
        return Err(SettingsError::Mistakes(mistakes));
    }
    // What the keys' own table let through is of the right types.
    Value::Table(table).try_into().map_err(|error| parse_error(&error))
}

/// Where a section or a key stands, from 1.
fn line_of(text: &str, table: &Spanned<DeTable<'_>>, section: &str, key: Option<&str>) -> usize {
    let Some((mut start, of_section)) = find(table.get_ref(), section) else { return 1 };
    if let (Some(key), Some(of_section)) = (key, of_section.as_table())
        && let Some((of_key, _)) = find(of_section, key)
    {
        start = of_key;
    }
    1 + text.get(..start).unwrap_or_default().matches('\n').count()
}

/// An entry of a table, and where it begins in the text.
fn find<'t, 'i>(table: &'t DeTable<'i>, name: &str) -> Option<(usize, &'t DeValue<'i>)> {
    let (key, value) = table.iter().find(|(key, _)| key.get_ref().as_ref() == name)?;
    Some((key.span().start, value.get_ref()))
}

/// Sets one key. In a table that is wrong already it is only looked at.
fn overlay(table: &mut Table, name: &str, value: &OsString, set: bool) -> Result<(), String> {
    let key = keys::of_variable(name, &NOT_SETTINGS)?;
    let text = value.to_str().ok_or_else(|| "its value is not UTF-8".to_owned())?;
    let value = key.kind.read(text);
    if let Some(refusal) = keys::refusal(key, &value) {
        return Err(refusal);
    }
    if set {
        let of_section = table.entry(key.section).or_insert_with(|| Value::Table(Table::new()));
        if let Some(of_section) = of_section.as_table_mut() {
            of_section.insert(key.name.to_owned(), value);
        }
    }
    Ok(())
}

/// The variables that begin with `BUSBAR_`.
pub(crate) fn environment() -> BTreeMap<String, OsString> {
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
        .filter(|(name, _)| name.starts_with("BUSBAR_"))
        .collect()
}

/// All variables, for a process that this one becomes.
pub(crate) fn whole_environment() -> Vec<(OsString, OsString)> {
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    std::env::vars_os().collect()
}

/// Where programs are looked for.
pub(crate) fn search_path() -> Option<OsString> {
    std::env::var_os("PATH")
}

/// Where the service manager listens (sd_notify(3)).
pub(crate) fn notify_socket() -> Option<OsString> {
    std::env::var_os("NOTIFY_SOCKET")
}

/// The process that the service manager hands descriptors to, and how many (sd_listen_fds(3)).
pub(crate) fn handed_descriptors() -> (Option<u32>, Option<u32>) {
    let number = |name| std::env::var_os(name)?.to_str()?.parse().ok();
    (number("LISTEN_PID"), number("LISTEN_FDS"))
}

/// The step that this process is told to take.
pub(crate) fn step() -> Option<OsString> {
    std::env::var_os(STEP)
}
