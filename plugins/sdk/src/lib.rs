//! Write a Busbar service as a typed function.
//!
//! ```
//! use busbar_sdk::prelude::*;
//!
//! /// Whom to greet.
//! #[input]
//! struct Greet {
//!     name: String,
//! }
//!
//! #[output]
//! struct Greeting {
//!     greeting: String,
//! }
//!
//! /// Greets a person.
//! #[service(rest = "GET /greet/{name}", rest = "POST /greet")]
//! fn greet(input: Greet) -> Result<Greeting, Fault> {
//!     Ok(Greeting { greeting: format!("Hello, {}!", input.name) })
//! }
//!
//! plugin!(greet);
//! # fn main() {}
//! ```
//!
//! The contract with the bus is `plugins/wit`; this crate adds types, schemas and faults to it. There is no
//! async: one instance serves one call at a time, and what waits is the bus.

pub mod amqp;
#[doc(hidden)]
pub mod bindings;
mod body;
pub mod cache;
pub mod config;
pub mod context;
mod deliver;
pub mod dictionaries;
mod fault;
mod host;
pub mod http;
mod input;
mod invoke;
pub mod kv;
pub mod log;
mod output;
mod plugin;
pub mod prelude;
pub mod random;
mod response;
mod schema;
pub mod secrets;
mod service;
pub mod soap;
pub mod sql;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
pub mod time;

pub use bindings::busbar::bus::types::{Body, BodyError, Payload, Request, Response};
pub use busbar_sdk_macros::{data, input, output, service};
pub use deliver::{Options as DeliveryOptions, deliver, deliver_raw, invoke_async};
pub use fault::{Disposition, Fault, FieldError};
pub use input::{Input, NoInput};
pub use invoke::{invoke, invoke_all, invoke_raw};
pub use output::{Output, Reply};
pub use service::{Channel, Declaration, Outcome, Service};

/// What the attributes derive; an author needs no dependency of their own on these.
pub use {schemars, serde, serde_json};

/// What the expansion of [`plugin!`] names; not for authors.
#[doc(hidden)]
pub mod expansion {
    pub use crate::bindings::busbar::bus::types;
    pub use crate::bindings::exports::busbar::bus::service;
    pub use crate::plugin::{describe, unknown};
}
