//! The request path: one pipeline of five stages that every call takes, whatever its protocol.
//!
//! What lies outside (the plugin host, the access log) is reached through the traits in [`ports`].

pub mod accept;
pub mod authenticate;
pub mod body;
pub mod buffers;
pub mod catalog;
pub mod consume;
pub mod contract;
mod cors;
pub mod deliver;
pub mod dictionaries;
#[cfg(test)]
mod double;
pub mod gate;
mod idempotency;
pub mod invoke;
pub mod metrics;
pub mod password;
pub mod pipeline;
pub mod ports;
pub mod publish;
pub mod request;
pub mod respond;
pub mod route;
pub mod secret;
mod soap;
pub mod unit;
pub mod ways;

pub use body::{Body, BodyError};
pub use catalog::Catalog;
pub use pipeline::{Outward, Pipeline};
pub use request::{Reply, Request};
