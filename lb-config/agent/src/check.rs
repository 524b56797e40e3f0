//! Whether a configuration is fit to be tried: what this crate's sister finds, and `haproxy -c`.

use std::{path::Path, process::Stdio, time::Duration};

use busbar_lb_config::{Document, Finding, Limits, Severity, parse, validate};
use nix::sys::resource::{Resource, getrlimit};
use tokio::{process::Command, time::timeout};

use crate::reports::chain;

/// Of `haproxy -c`, which may ask a name server.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The configuration's tree, and what is to be known of it; or why it is not fit.
pub(crate) async fn check(
    haproxy: &Path,
    file: &Path,
    text: &str,
) -> Result<(Document, Vec<Finding>), String> {
    let document = parse(text).map_err(|error| chain(&error))?;
    let findings = validate(&document, &limits());
    if let Some(error) = findings.iter().find(|finding| finding.severity == Severity::Error) {
        return Err(format!("line {}: {}", error.line, error.message));
    }
    let asked =
        Command::new(haproxy).args(["-c", "-f"]).arg(file).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = match timeout(TIMEOUT, asked).await {
        Err(_) => return Err(format!("{} -c did not end within 20 s", haproxy.display())),
        Ok(Err(error)) => return Err(format!("{} can't be run: {error}", haproxy.display())),
        Ok(Ok(output)) => output,
    };
    if output.status.success() {
        return Ok((document, findings));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("haproxy -c refuses it: {}", alerts(&said)))
}

/// What HAProxy found wrong, without its prefixes; all that it said where it marked nothing.
pub(crate) fn alerts(said: &str) -> String {
    let marked = said.lines().filter(|line| line.contains("[ALERT]"));
    let lines: Vec<&str> = marked.map(|line| line.split_once(" : ").map_or(line, |(_, rest)| rest)).collect();
    if lines.is_empty() { said.trim().to_owned() } else { lines.join("; ") }
}

/// HAProxy raises its own limit up to the hard one.
pub(crate) fn limits() -> Limits {
    Limits { descriptors: getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(_, hard)| hard) }
}
