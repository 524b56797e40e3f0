//! Values that administrators keep for the plugin. Each needs a grant: name the secrets in
//! `#[service(secret = "…")]` so that an administrator sees what to grant.
//!
//! What was read is replaced by the secret's name in all that the plugin logs afterwards. That is a net for
//! accidents: it does not find a value that was encoded, cut or handed to another service.

use crate::Fault;
use crate::host::secrets::{self as bus, SecretError};

/// The secret's value, of the same catalog snapshot for a whole tree of calls.
///
/// # Errors
/// A `fail` with the code `not-granted`; `secret-unknown` if there is none of this name, `secret-unavailable` if
/// the bus can't open it.
pub fn get(name: &str) -> Result<String, Fault> {
    bus::get(name).map_err(|error| match error {
        SecretError::NotGranted => {
            Fault::fail(format!("the plugin has no grant to read secret {name}")).code("not-granted")
        }
        SecretError::Unknown => Fault::fail(format!("secret {name} does not exist")).code("secret-unknown"),
        SecretError::Unavailable(cause) => {
            Fault::fail(format!("secret {name} can't be opened: {cause}")).code("secret-unavailable")
        }
    })
}
