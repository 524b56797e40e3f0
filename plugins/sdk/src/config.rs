//! The plugin's configuration, of the same catalog snapshot for a whole tree of calls.

use serde::de::DeserializeOwned;

use crate::Fault;
use crate::host::config as bus;

/// One member; none if it is not set.
///
/// # Errors
/// `failed`, naming the key, if the member is no `T`.
pub fn get<T: DeserializeOwned>(key: &str) -> Result<Option<T>, Fault> {
    bus::get(key).map(|text| parse(&text, key)).transpose()
}

/// The whole object; `{}` if none was set.
///
/// # Errors
/// `failed` if it is no `T`.
pub fn all<T: DeserializeOwned>() -> Result<T, Fault> {
    parse(&bus::all(), "(all)")
}

fn parse<T: DeserializeOwned>(text: &str, key: &str) -> Result<T, Fault> {
    serde_json::from_str(text)
        .map_err(|error| Fault::fail(format!("config {key} is not as expected: {error}")))
}
