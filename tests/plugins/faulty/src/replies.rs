//! Services that answer as they are told.

use std::collections::BTreeMap;

use busbar_sdk::prelude::*;

#[input]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Disposition {
    Reject,
    RetryAfter,
    Fail,
}

#[input]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    disposition: Disposition,
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
    /// For `retry-after`: 1 if it is not given.
    seconds: Option<u32>,
}

/// Answers with the fault asked for.
#[service]
pub(crate) fn reply(input: Reply) -> Result<Response, Fault> {
    let message = input.message.unwrap_or_else(|| "as asked for".to_owned());
    let mut fault = match input.disposition {
        Disposition::Reject => Fault::reject("rejected", message),
        Disposition::RetryAfter => Fault::retry_after(input.seconds.unwrap_or(1), message),
        Disposition::Fail => Fault::fail(message),
    };
    fault.status = input.status;
    Err(match input.code {
        Some(code) => fault.code(code),
        None => fault,
    })
}

#[input]
pub(crate) struct Custom {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    /// `text/plain` if it is not given.
    content_type: Option<String>,
}

/// Answers with the response asked for.
#[service]
pub(crate) fn custom(input: Custom) -> Result<Response, Fault> {
    let response = if input.body.is_empty() {
        Response::empty()
    } else {
        let content_type = input.content_type.unwrap_or_else(|| "text/plain".to_owned());
        Response::bytes(content_type, input.body.into_bytes())
    };
    Ok(Response { headers: input.headers.into_iter().collect(), ..response.status(input.status) })
}
