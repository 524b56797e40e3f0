//! All that most services need: `use busbar_sdk::prelude::*;`.

pub use crate::{
    Body, DeliveryOptions, Fault, Payload, Reply, Request, Response, amqp, cache, config, context, data,
    debug, deliver, dictionaries, error, http, info, input, invoke, invoke_all, invoke_async, invoke_raw, kv,
    output, plugin, service, soap, sql, trace, warn,
};
