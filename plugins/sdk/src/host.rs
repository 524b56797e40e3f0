//! The one way from the SDK to the bus: on WebAssembly the contract's imports, elsewhere the test host that
//! the thread has installed. Both have the same functions by the same names.

#[cfg(target_family = "wasm")]
pub(crate) mod wasi;

#[cfg(target_family = "wasm")]
pub(crate) use crate::bindings::busbar::bus::{
    amqp, cache, config, context, deliver, dictionaries, http, invoke, kv, log, secrets, soap, sql,
};
#[cfg(not(target_family = "wasm"))]
pub(crate) use crate::testing::imports::{
    amqp, cache, config, context, deliver, dictionaries, http, invoke, kv, log, secrets, soap, sql, wasi,
};
