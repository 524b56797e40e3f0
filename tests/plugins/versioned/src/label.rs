//! A service whose contract is another one in high versions, and that does not always keep to it.

use busbar_sdk::prelude::*;
use busbar_sdk::schemars::{Schema, SchemaGenerator, json_schema};
use busbar_sdk::serde_json::Value;

use crate::marker::version;

/// From this version on only one size is taken.
const ONE_SIZE_FROM: u32 = 500_000;

fn sizes(_: &mut SchemaGenerator) -> Schema {
    if version() < ONE_SIZE_FROM {
        json_schema!({"type": "string", "enum": ["small", "large"]})
    } else {
        json_schema!({"type": "string", "enum": ["small"]})
    }
}

#[input]
pub(crate) struct Label {
    #[schemars(schema_with = "sizes")]
    size: String,
    /// Whether to answer with what the contract does not have.
    lie: Option<bool>,
}

#[output]
pub(crate) struct Printed {
    #[schemars(with = "String")]
    text: Value,
}

/// Prints a label.
#[service(rest = "GET /version/label")]
pub(crate) fn label(input: Label) -> Result<Printed, Fault> {
    let text = if input.lie == Some(true) { Value::from(7) } else { Value::from(input.size) };
    Ok(Printed { text })
}
