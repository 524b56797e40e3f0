//! What only SOAP channels have.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::NONE;

#[derive(Debug, clap::Args)]
#[group(id = "soap")]
#[command(next_help_heading = "SOAP")]
pub(crate) struct Settings {
    /// The target namespace of its messages; `none` for that of the plugin, urn:busbar:PLUGIN:vMAJOR.
    #[arg(long, value_name = "URI")]
    soap_namespace: Option<String>,
    /// Its operation; `none` for the last word of the service's name.
    #[arg(long, value_name = "NAME")]
    soap_operation: Option<String>,
}

impl Settings {
    /// The member `soap`, if anything of it was given.
    pub(super) fn body(self) -> Option<Value> {
        let members = [("namespace", self.soap_namespace), ("operation", self.soap_operation)];
        let given = members.into_iter().filter_map(|(name, text)| {
            let text = text?;
            let value = if text == NONE { Value::Null } else { text.into() };
            Some((name.to_owned(), value))
        });
        let given: Map<String, Value> = given.collect();
        (!given.is_empty()).then_some(Value::Object(given))
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct View {
    namespace: Option<String>,
    operation: Option<String>,
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_default = |given: &Option<String>| given.clone().unwrap_or_else(|| "by default".to_owned());
        write!(f, "namespace {}; operation {}", or_default(&self.namespace), or_default(&self.operation))
    }
}
