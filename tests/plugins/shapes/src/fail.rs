//! Faults of every kind.

use busbar_sdk::prelude::*;

/// Which fault.
#[input]
#[serde(deny_unknown_fields)]
pub(crate) struct Failure {
    kind: Kind,
    /// Stable, with dashes: that of the kind if it is not given.
    code: Option<String>,
    message: String,
    /// What is wrong with the input.
    #[serde(default)]
    errors: Vec<Place>,
}

#[input]
#[serde(rename_all = "lowercase")]
enum Kind {
    Reject,
    Retry,
    Fail,
    Trap,
}

#[input]
#[serde(deny_unknown_fields)]
struct Place {
    /// A JSON Pointer.
    path: String,
    message: String,
}

/// What nobody ever gets.
#[output]
pub(crate) struct Success {
    text: String,
}

/// Fails as it is told to.
#[service(rest = "POST /shapes/fail")]
pub(crate) fn fail(input: Failure) -> Result<Success, Fault> {
    let Failure { kind, code, message, errors } = input;
    let fault = match kind {
        Kind::Reject => Fault::reject("refused", message),
        Kind::Retry => Fault::retry_after(7, message),
        Kind::Fail => Fault::fail(message),
        Kind::Trap => std::process::abort(),
    };
    let fault = errors.into_iter().fold(fault, |fault, Place { path, message }| fault.error(path, message));
    Err(match code {
        Some(code) => fault.code(code),
        None => fault,
    })
}
