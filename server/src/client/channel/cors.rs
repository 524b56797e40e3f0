//! What pages of other origins may do with a channel.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::NONE;
use crate::client::failure::Usage;

#[derive(Debug, clap::Args)]
#[group(id = "cors")]
#[command(next_help_heading = "Pages of other origins (CORS)")]
pub(crate) struct Settings {
    /// An origin whose pages may call it, `*` for all, `none` for no CORS; may be given more than once.
    #[arg(long = "cors-origin", value_name = "ORIGIN", value_delimiter = ',')]
    cors_origins: Vec<String>,
    /// A header that such a page may set, `*` for all, `none`; may be given more than once.
    #[arg(long = "cors-header", value_name = "NAME", value_delimiter = ',')]
    cors_headers: Vec<String>,
    /// A header of replies that such a page may read, or `none`; may be given more than once.
    #[arg(long = "cors-expose", value_name = "NAME", value_delimiter = ',')]
    cors_exposed: Vec<String>,
    /// Browsers send cookies and other credentials of their own.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    cors_credentials: Option<bool>,
    /// Seconds for which a browser may remember what it was told.
    #[arg(long, value_name = "N")]
    cors_max_age_s: Option<u32>,
}

impl Settings {
    /// The member `cors`, if anything of it was given.
    pub(super) fn body(self) -> anyhow::Result<Option<Value>> {
        let origins = list("--cors-origin", self.cors_origins)?;
        let removed = origins.as_ref().is_some_and(Vec::is_empty);
        let members = [
            ("origins", origins.map(|list| json!(list))),
            ("headers", list("--cors-header", self.cors_headers)?.map(|list| json!(list))),
            ("expose", list("--cors-expose", self.cors_exposed)?.map(|list| json!(list))),
            ("credentials", self.cors_credentials.map(Value::from)),
            ("max_age_s", self.cors_max_age_s.map(Value::from)),
        ];
        let given: Map<String, Value> =
            members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        match given.len() {
            0 => Ok(None),
            1 if removed => Ok(Some(Value::Null)),
            _ if removed => Err(Usage::error("--cors-origin none takes the rest away too; give it alone")),
            _ => Ok(Some(Value::Object(given))),
        }
    }
}

/// What was given, if anything was; `none` is the empty list.
fn list(option: &str, given: Vec<String>) -> anyhow::Result<Option<Vec<String>>> {
    let none = given.iter().any(|item| item == NONE);
    match given.len() {
        0 => Ok(None),
        1 if none => Ok(Some(Vec::new())),
        _ if none => Err(Usage::error(format!("{option} none goes with no other"))),
        _ => Ok(Some(given)),
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct View {
    origins: Vec<String>,
    headers: Vec<String>,
    expose: Vec<String>,
    credentials: bool,
    max_age_s: u32,
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "origins {}", self.origins.join(" "))?;
        for (what, names) in [("headers", &self.headers), ("expose", &self.expose)] {
            if !names.is_empty() {
                write!(f, "; {what} {}", names.join(" "))?;
            }
        }
        if self.credentials {
            f.write_str("; credentials")?;
        }
        write!(f, "; remembered for {} s", self.max_age_s)
    }
}
