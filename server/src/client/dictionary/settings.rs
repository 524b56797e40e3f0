//! What is said of a dictionary on the command line.

use serde_json::{Map, Value, json};

use super::super::failure::Usage;

#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// The systems that have codes: erp,shop; two or more.
    #[arg(long, value_name = "SYSTEM", value_delimiter = ',')]
    systems: Vec<String>,
    /// What a translation into a system gives where nothing matches; may be given more than once. Without a code: none.
    #[arg(long = "default", value_name = "SYSTEM=CODE")]
    defaults: Vec<String>,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    summary: Option<String>,
}

impl Settings {
    /// The members that were given.
    pub(super) fn body(self, name: Option<String>) -> anyhow::Result<Map<String, Value>> {
        let mut defaults = Map::new();
        for given in &self.defaults {
            let Some((system, code)) = given.split_once('=') else {
                return Err(Usage::error(format!("--default {given} has no = between system and code")));
            };
            let code = if code.is_empty() { Value::Null } else { code.into() };
            if defaults.insert(system.to_owned(), code).is_some() {
                return Err(Usage::error(format!("--default {system}= is given twice")));
            }
        }
        let members = [
            ("name", name.map(Value::from)),
            ("systems", (!self.systems.is_empty()).then(|| json!(self.systems))),
            ("defaults", (!defaults.is_empty()).then_some(Value::Object(defaults))),
            ("summary", self.summary.map(Value::from)),
        ];
        let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Ok(given.collect())
    }
}
