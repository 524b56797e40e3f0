//! All that most services need: `use busbar_sdk::prelude::*;`.

pub use crate::{
    Body, Fault, Payload, Reply, Request, Response, cache, config, context, data, debug, error, info, input,
    invoke, invoke_all, invoke_raw, output, plugin, service, trace, warn,
};
