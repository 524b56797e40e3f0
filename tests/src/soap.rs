//! Stock SOAP clients as programs (`tests/soap`): what to call goes in as JSON, what came of it comes out.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

use crate::artifact::repository;

/// The Java clients generate and compile first, on a machine that is busy.
const RUN_BOUND: Duration = Duration::from_secs(170);

const MISSING: &str =
    "run `make soap-clients`, and set BUSBAR_SOAP_CLIENTS to TARGET/soap-clients, as `make test` does";

/// A program of `tests/soap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Python: SOAP 1.1 and 1.2, UsernameToken.
    Zeep,
    /// Node: SOAP 1.1 and 1.2, UsernameToken.
    Node,
    /// Java, classes by `wsimport`: SOAP 1.1, 1.2 and MTOM.
    JaxWs,
    /// Java, classes by Axis 1.4's `WSDL2Java`: SOAP 1.1.
    Axis,
    /// MTOM by hand.
    Mtom,
    /// Validates a description instead of calling.
    Validator,
}

impl Client {
    /// What it says of the calls, in their order. In `folder` the Java clients keep what they generated of a
    /// description.
    pub async fn call(self, folder: &Path, task: &Value) -> Vec<Value> {
        let answer = self.run(folder, task).await;
        let results =
            answer["results"].as_array().unwrap_or_else(|| panic!("{self:?}: no results in {answer}"));
        assert_eq!(Some(results.len()), task["calls"].as_array().map(Vec::len), "{self:?}: {answer}");
        results.clone()
    }

    /// What it prints; must end well. `task` is as `tests/soap/README.md` says.
    pub async fn run(self, folder: &Path, task: &Value) -> Value {
        let mut command = self.command(folder, task);
        command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let run = async {
            let mut child = command.kill_on_drop(true).spawn()?;
            let mut input = child.stdin.take().ok_or_else(|| io::Error::other("no standard input"))?;
            // One that ends early says more by its standard error than a broken pipe does.
            let _ = input.write_all(task.to_string().as_bytes()).await;
            drop(input);
            child.wait_with_output().await
        };
        let output = match timeout(RUN_BOUND, run).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                panic!("{self:?} is not installed: {MISSING}")
            }
            Ok(Err(error)) => panic!("{self:?} can't be run: {error}"),
            Err(_) => panic!("{self:?} took longer than {RUN_BOUND:?}"),
        };
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{self:?} ended with {}:\n{complained}", output.status);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{self:?}: {error}\n{complained}"))
    }

    fn command(self, folder: &Path, task: &Value) -> Command {
        let script = |name: &str| repository().join("tests/soap").join(name);
        let python = |name| {
            let mut command = Command::new(installed("python/bin/python"));
            command.arg(script(name));
            command
        };
        match self {
            Self::Zeep => python("python/call.py"),
            Self::Mtom => python("python/mtom.py"),
            Self::Validator => python("python/validate.py"),
            Self::Node => {
                let mut command = Command::new("node");
                command.arg(script("node/call.mjs")).env("BUSBAR_SOAP_NODE", installed("node"));
                command
            }
            Self::JaxWs | Self::Axis => {
                let mut command = Command::new("sh");
                let name = if self == Self::JaxWs { "jaxws" } else { "axis" };
                let url = task["wsdl"].as_str().unwrap_or_else(|| panic!("no wsdl in {task}"));
                let of_url = url.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
                command
                    .arg(script("java/call.sh"))
                    .arg(name)
                    .arg(folder.join(format!("{name}-{of_url}")))
                    .arg(url);
                let options = task["generator"].as_array().into_iter().flatten().filter_map(Value::as_str);
                command.args(options);
                command
            }
        }
    }
}

/// A call as tasks have it; `version` is `1.1` or `1.2`.
pub fn call(version: &str, operation: &str, input: &Value) -> Value {
    json!({"operation": operation, "version": version, "input": input})
}

/// Something that `make soap-clients` installs.
pub(crate) fn installed(name: &str) -> PathBuf {
    let folder = env::var_os("BUSBAR_SOAP_CLIENTS").map(PathBuf::from);
    let path = folder.map(|folder| folder.join(name)).filter(|path| path.exists());
    path.unwrap_or_else(|| panic!("{name} of the SOAP clients is not installed: {MISSING}"))
}

/// What clients of all kinds agree on: members are named alike, what is empty is absent (to some clients it is), and
/// all scalars but `true` and `false` are texts.
pub fn plain(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members =
                members.iter().map(|(name, value)| (name.trim_start_matches('@').to_owned(), plain(value)));
            let members: serde_json::Map<_, _> = members.filter(|(_, value)| !value.is_null()).collect();
            if members.is_empty() { Value::Null } else { sorted(members) }
        }
        Value::Array(items) if items.is_empty() => Value::Null,
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Number(number) => Value::String(number.to_string()),
        Value::String(text) if text.is_empty() => Value::Null,
        other => other.clone(),
    }
}

/// The order of attributes has no meaning.
fn sorted(members: serde_json::Map<String, Value>) -> Value {
    let mut members: Vec<_> = members.into_iter().collect();
    members.sort_by(|(a, _), (b, _)| a.cmp(b));
    Value::Object(members.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_lose_is_not_compared() {
        let value = json!({"b": [], "@a": 1, "c": {"d": null, "e": ""}, "f": [{"g": {}}, 0.5], "h": true});
        assert_eq!(plain(&value), json!({"a": "1", "f": [null, "0.5"], "h": true}));
        assert_eq!(plain(&json!({"x": 4_294_967_295_u32})), plain(&json!({"x": "4294967295"})));
    }
}
