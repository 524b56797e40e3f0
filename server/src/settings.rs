//! `busbar.toml`, and its keys from the environment.
//!
//! A key `section.key` is also read from `BUSBAR_SECTION_KEY`, which wins. Unknown keys are refused.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use busbar_model::bounds::COMPILE_MEMORY_BYTES_MAX;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

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
    #[error("setting {key} is not valid: {message}")]
    Key { key: String, message: String },
}

/// Everything that can be set.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) odb: Odb,
    pub(crate) http: Http,
    pub(crate) ops: Ops,
    pub(crate) admin: Admin,
    pub(crate) workers: Workers,
    pub(crate) secrets: Secrets,
    pub(crate) log: Log,
    pub(crate) deliveries: Deliveries,
    pub(crate) compile: Compile,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Odb {
    /// `sqlite:PATH`; by default a file in the server's folder.
    pub(crate) url: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Http {
    pub(crate) listen: SocketAddr,
    /// How long a draining worker waits for calls under way.
    pub(crate) drain_ms: u64,
    /// How long a draining worker keeps idle connections for a request that may be on its way.
    pub(crate) drain_idle_ms: u64,
    /// How long a request's head may take to arrive.
    pub(crate) header_timeout_ms: u64,
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
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Workers {
    /// Worker processes; 0 is one per core.
    pub(crate) count: usize,
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

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: ([0, 0, 0, 0], 17010).into(),
            drain_ms: 30_000,
            drain_idle_ms: 5_000,
            header_timeout_ms: 10_000,
        }
    }
}

impl Default for Ops {
    fn default() -> Self {
        Self { listen: ([127, 0, 0, 1], 17011).into() }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: ([127, 0, 0, 1], 8183).into(), url: None, token: None }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { dir: None, level: "info".to_owned() }
    }
}

/// Most worker processes that one server may have.
const WORKERS_MAX: usize = 256;

impl Workers {
    /// The number of workers to run.
    pub(crate) fn effective(&self) -> usize {
        match self.count {
            0 => std::thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX),
            count => count,
        }
    }
}

/// Keys that belong to other programs of the product.
const NOT_SETTINGS: [&str; 2] = ["BUSBAR_HTTP_URL", "BUSBAR_INVOKER_KEY"];

/// Reads `file` if it exists and lays `environment` over it.
pub(crate) fn load(file: &Path, environment: &BTreeMap<String, String>) -> Result<Settings, SettingsError> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(SettingsError::Read { path: file.to_owned(), source }),
    };
    let mut table = text.parse::<Table>().map_err(|error| parse_error(file, &error))?;
    // Checked before the environment is laid over it, so that errors name their place in the file.
    toml::from_str::<Settings>(&text).map_err(|error| parse_error(file, &error))?;
    for (name, text) in environment {
        if !NOT_SETTINGS.contains(&name.as_str()) {
            overlay(&mut table, name, text)?;
        }
    }
    let settings: Settings = Value::Table(table).try_into().map_err(|error: toml::de::Error| {
        SettingsError::Key { key: "of the environment".to_owned(), message: error.message().to_owned() }
    })?;
    check(settings)
}

fn parse_error(file: &Path, error: &toml::de::Error) -> SettingsError {
    SettingsError::Parse { path: file.to_owned(), message: error.to_string().trim_end().to_owned() }
}

/// Sets one key, then reads the whole again so that a bad value is told with its own name.
fn overlay(table: &mut Table, name: &str, text: &str) -> Result<(), SettingsError> {
    let invalid = |message: String| SettingsError::Key { key: name.to_owned(), message };
    let rest = name.strip_prefix("BUSBAR_").unwrap_or(name).to_ascii_lowercase();
    let (section, key) =
        rest.split_once('_').ok_or_else(|| invalid("it is not BUSBAR_SECTION_KEY".to_owned()))?;
    let of_section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if !of_section.is_table() {
        return Err(invalid("its section is not a table".to_owned()));
    }
    // A text is a text, also when it looks like a number; only where none fits is it read as one.
    let number = text.parse().ok().map(Value::Integer);
    let readings = [Some(Value::String(text.to_owned())), number, text.parse().ok().map(Value::Boolean)];
    let mut refusal = String::new();
    for reading in readings.into_iter().flatten() {
        if let Some(of_section) = table.get_mut(section).and_then(Value::as_table_mut) {
            of_section.insert(key.to_owned(), reading);
        }
        match Value::Table(table.clone()).try_into::<Settings>() {
            Ok(_) => return Ok(()),
            Err(error) => refusal = error.message().to_owned(),
        }
    }
    Err(invalid(if key == "token" { refusal } else { format!("{text:?}: {refusal}") }))
}

/// Shortest and longest time that one compilation may be given.
const COMPILE_TIMEOUT_S: std::ops::RangeInclusive<u64> = 1..=3_600;
/// Less memory compiles nothing.
const COMPILE_MEMORY_MIB_MIN: u64 = 256;

fn check(settings: Settings) -> Result<Settings, SettingsError> {
    let bad = |key: &str, message: String| Err(SettingsError::Key { key: key.to_owned(), message });
    let Compile { timeout_s, memory_mib } = settings.compile;
    if !COMPILE_TIMEOUT_S.contains(&timeout_s) {
        let (least, most) = COMPILE_TIMEOUT_S.into_inner();
        return bad("compile.timeout_s", format!("{timeout_s} is not in {least} to {most}"));
    }
    if (1..COMPILE_MEMORY_MIB_MIN).contains(&memory_mib) {
        let message = format!("{memory_mib} is neither 0 nor at least {COMPILE_MEMORY_MIB_MIN}");
        return bad("compile.memory_mib", message);
    }
    if settings.workers.count > WORKERS_MAX {
        return Err(SettingsError::Key {
            key: "workers.count".to_owned(),
            message: format!("{} is more than {WORKERS_MAX}", settings.workers.count),
        });
    }
    Ok(settings)
}

/// The variables that begin with `BUSBAR_`.
pub(crate) fn environment() -> BTreeMap<String, String> {
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("BUSBAR_"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs};

    use super::{Settings, load};

    fn loaded(file: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("busbar.toml");
        fs::write(&path, file).unwrap();
        let environment: BTreeMap<_, _> =
            environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        load(&path, &environment).map_err(|error| error.to_string())
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let settings =
            loaded("[workers]\ncount = 3\n[http]\ndrain_ms = 1", &[("BUSBAR_WORKERS_COUNT", "5")]).unwrap();
        assert_eq!((settings.workers.count, settings.http.drain_ms), (5, 1));
        let settings =
            loaded("", &[("BUSBAR_HTTP_DRAIN_IDLE_MS", "7"), ("BUSBAR_HTTP_LISTEN", "127.0.0.1:1")]).unwrap();
        assert_eq!((settings.http.drain_idle_ms, settings.http.listen.port()), (7, 1));
        let settings = loaded("", &[("BUSBAR_ADMIN_TOKEN", "12345678")]).unwrap();
        assert_eq!(settings.admin.token.as_deref(), Some("12345678"));
    }

    #[test]
    fn a_typo_is_refused_with_its_place() {
        let error = loaded("[http]\nlisten = \"127.0.0.1:1\"\ndrain_s = 1\n", &[]).unwrap_err();
        assert!(
            error.contains("line 3") && error.contains("drain_s") && error.contains("drain_ms"),
            "{error}"
        );
        let error = loaded("", &[("BUSBAR_WORKERS_CUONT", "1")]).unwrap_err();
        assert!(error.contains("BUSBAR_WORKERS_CUONT") && error.contains("count"), "{error}");
    }

    #[test]
    fn a_bad_value_is_refused_with_key_and_value() {
        for (name, value) in
            [("BUSBAR_WORKERS_COUNT", "many"), ("BUSBAR_WORKERS_COUNT", "-1"), ("BUSBAR_HTTP_LISTEN", "here")]
        {
            let error = loaded("", &[(name, value)]).unwrap_err();
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
        assert!(loaded("[workers]\ncount = 1000", &[]).unwrap_err().contains("workers.count"));
        for (bad, key) in [("timeout_s = 0", "compile.timeout_s"), ("memory_mib = 9", "compile.memory_mib")] {
            assert!(loaded(&format!("[compile]\n{bad}"), &[]).unwrap_err().contains(key));
        }
        assert!(loaded("", &[]).unwrap().compile.memory_bytes() > 0);
    }
}
